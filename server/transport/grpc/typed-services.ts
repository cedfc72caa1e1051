/**
 * The typed services of the models, one for each: `plumb.models.demand.Predictor`. They come and go with the versions
 * that are served, so they are looked up when somebody asks.
 */

import type { Buffer } from "node:buffer";
import { ServeError } from "../../errors.js";
import type { Protocol } from "../../protocol/protocol.js";
import { type ProtoDescriptor, protoDescriptor } from "../../protocol/typed-proto/descriptor.js";
import { typedDetails, typedProtoGrpc } from "../../protocol/typed-proto/grpc.js";
import {
  methodName,
  ownerOf,
  packageOf,
  protoFileOf,
  serviceName,
  serviceOf,
} from "../../protocol/typed-proto/service-name.js";
import type { Registry } from "../../versions/registry.js";
import type { Servable } from "../../versions/servable.js";
import { type InferNeeds, predictMethod } from "./infer.js";
import type { Method } from "./service.js";

export interface TypedNeeds extends InferNeeds {
  readonly registry: Registry;
  /** A protocol whose answers say as much of errors as callers are told. */
  readonly limited: (protocol: Protocol) => Protocol;
}

export class TypedServices {
  readonly #needs: TypedNeeds;
  readonly #protocol: Protocol;
  /** Of the versions that somebody asked for. */
  readonly #descriptors = new WeakMap<Servable, ProtoDescriptor>();

  constructor(needs: TypedNeeds) {
    this.#needs = needs;
    this.#protocol = needs.limited(typedProtoGrpc);
  }

  /** Of the models that are served at this moment. */
  get names(): readonly string[] {
    return this.#served.map(({ name }) => serviceOf(name));
  }

  get #served(): readonly Servable[] {
    const { registry } = this.#needs;
    return registry.models.flatMap(([name]) => registry.champion(name) ?? []);
  }

  /** @throws {@link ServeError} model_not_found for a package that is no model's. */
  method(path: string): Method | undefined {
    const owner = ownerOf(path.slice(1));
    if (owner?.rest !== `${serviceName}/${methodName}`) return undefined;
    const { modelName } = owner;
    return predictMethod(this.#needs, () => ({
      protocol: this.#protocol,
      modelName,
      versionName: undefined,
      detailsOf: (error, requestId) => typedDetails(error, requestId, modelName),
    }));
  }

  /** Whether the model of a service is ready; undefined for what is no service of a model that the server knows. */
  isReady(service: string): boolean | undefined {
    try {
      const owner = ownerOf(service);
      if (owner?.rest !== serviceName) return undefined;
      this.#needs.registry.model(owner.modelName);
      return this.#needs.registry.champion(owner.modelName) !== undefined;
    } catch (error) {
      if (error instanceof ServeError) return undefined;
      throw error;
    }
  }

  /** The file with this name, of a model that is served. */
  file(name: string): Buffer | undefined {
    const version = this.#served.find((version) => protoFileOf(version.name) === name);
    return version && this.#describe(version).bytes;
  }

  /** The file in which a service, a method or a message stands. */
  fileWith(symbol: string): Buffer | undefined {
    const version = this.#served.find(({ name }) => symbol.startsWith(`${packageOf(name)}.`));
    const found = version && this.#describe(version);
    return found?.symbols.has(symbol) ? found.bytes : undefined;
  }

  #describe(version: Servable): ProtoDescriptor {
    let descriptor = this.#descriptors.get(version);
    if (descriptor === undefined) {
      descriptor = protoDescriptor(version);
      this.#descriptors.set(version, descriptor);
    }
    return descriptor;
  }
}
