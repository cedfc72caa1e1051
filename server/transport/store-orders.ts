/** What an operator asks of the store, as plain data; and how one server does it. */

import { repositoryIndex, throwUnlessServed } from "../protocol/open-inference/repository.js";
import type { Registry } from "../versions/registry.js";
import { Servable } from "../versions/servable.js";
import type { VersionControl } from "../versions/version-control.js";

export type StoreOrder =
  | { readonly kind: "scan" }
  | { readonly kind: "load" | "unload"; readonly model: string; readonly version: number }
  | { readonly kind: "index"; readonly readyOnly: boolean }
  | { readonly kind: "load_model" | "unload_model"; readonly model: string };

export interface OrderAnswer {
  /** Of HTTP. */
  readonly status: number;
  /** Plain data. */
  readonly answer: object;
}

export interface OrderNeeds {
  readonly registry: Registry;
  /** @throws {@link ServeError} not_ready while the models of the start are loaded. */
  readonly control: () => VersionControl;
}

/** @returns The answer, once the order is done. @throws {@link ServeError} as the store's control. */
export async function performOrder({ registry, control }: OrderNeeds, order: StoreOrder): Promise<OrderAnswer> {
  switch (order.kind) {
    case "scan":
      return { status: 200, answer: await control().scan() };
    case "load":
      return await load(control(), order.model, order.version);
    case "unload": {
      const { model, version } = order;
      await control().unload(model, version);
      return { status: 200, answer: { model, version, state: "unloaded" } };
    }
    case "index":
      return { status: 200, answer: repositoryIndex(registry.listed, order.readyOnly) };
    case "load_model":
      throwUnlessServed(order.model, await control().loadModel(order.model));
      return { status: 200, answer: {} };
    case "unload_model":
      await control().unloadModel(order.model);
      return { status: 200, answer: {} };
  }
}

async function load(control: VersionControl, model: string, version: number): Promise<OrderAnswer> {
  const found = await control.load(model, version);
  if (found instanceof Servable) {
    const { state, contract, proof } = found;
    return { status: 200, answer: { model, version, state, digest: contract.bundle.digest, proof: proof ?? null } };
  }
  const { fault, problems } = found;
  const message = `${model}/${version} is ${fault}: ${problems[0]}`;
  // One that isn't whole may be in a moment; any other has to be exported again.
  return { status: fault === "incomplete" ? 409 : 422, answer: { error: { code: fault, message, problems } } };
}
