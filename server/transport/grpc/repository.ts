/** The repository extension over gRPC, as Triton's clients ask for it: refused unless it is switched on. */

import type { Buffer } from "node:buffer";
import { ServeError } from "../../errors.js";
import { checkParameters, repositoryIndex, throwUnlessServed } from "../../protocol/open-inference/repository.js";
import { WireReader, WireWriter } from "../../protocol/protobuf/wire.js";
import type { Registry } from "../../versions/registry.js";
import type { VersionControl } from "../../versions/version-control.js";
import { boundName } from "../address.js";
import { type GrpcExchange, type Method, okTrailers, unary } from "./service.js";

export interface RepositoryNeeds {
  readonly registry: Registry;
  readonly control: () => VersionControl;
  readonly repositoryControl: boolean;
}

export function repositoryMethods(needs: RepositoryNeeds): Record<string, Method> {
  const { registry, control } = needs;
  return {
    RepositoryIndex: guarded(needs, async (message) => describeIndex(registry, readFlag(message))),
    RepositoryModelLoad: guarded(needs, async (message) => {
      const name = readOrder(message);
      throwUnlessServed(name, await control().loadModel(name));
      return nothing;
    }),
    RepositoryModelUnload: guarded(needs, async (message) => {
      await control().unloadModel(readOrder(message));
      return nothing;
    }),
  };
}

const nothing = new Uint8Array(0);

function guarded({ repositoryControl }: RepositoryNeeds, answer: (message: Buffer) => Promise<Uint8Array>): Method {
  const take = async (message: Buffer, exchange: GrpcExchange) => {
    if (!repositoryControl)
      throw new ServeError(
        "route_not_found",
        "the repository is controlled at the admin listener alone: --repository-control serves this method too",
      );
    exchange.end(okTrailers, await answer(message));
  };
  return unary(
    (message, exchange) => void take(message, exchange).catch((error) => exchange.fail(ServeError.from(error))),
  );
}

function describeIndex(registry: Registry, readyOnly: boolean): Buffer {
  const reply = new WireWriter();
  for (const { name, version, state, reason } of repositoryIndex(registry.listed, readyOnly))
    reply.message(1, new WireWriter().text(1, name).text(2, version).text(3, state).text(4, reason));
  return reply.finish();
}

function readFlag(message: Buffer): boolean {
  const reader = new WireReader(message);
  let isSet = false;
  while (reader.next()) {
    if (reader.field === 2) isSet = reader.readBool();
    else reader.skip();
  }
  return isSet;
}

/** @returns The model's name. @throws {@link ServeError} invalid_request for parameters. */
function readOrder(message: Buffer): string {
  const reader = new WireReader(message);
  const parameters: string[] = [];
  let name = "";
  while (reader.next()) {
    if (reader.field === 2) name = boundName(reader.readText());
    else if (reader.field === 3) parameters.push(readKey(reader.readMessage()));
    else reader.skip();
  }
  checkParameters(parameters);
  return name;
}

function readKey(entry: WireReader): string {
  let key = "";
  while (entry.next()) {
    if (entry.field === 1) key = entry.readText();
    else entry.skip();
  }
  return key;
}
