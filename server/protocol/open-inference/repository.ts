/**
 * The repository extension of the Open Inference Protocol, as Triton has it: what it says of versions, and what of an
 * order is taken.
 */

import { ServeError } from "../../errors.js";

export interface IndexedVersion {
  readonly name: string;
  readonly version: string;
  readonly state: "READY" | "UNAVAILABLE" | "LOADING" | "UNLOADING";
  readonly reason: string;
}

interface KnownVersion {
  readonly name: string;
  readonly number: number;
  readonly state: string;
  readonly reason: string | undefined;
}

const states: Readonly<Record<string, IndexedVersion["state"]>> = {
  loading: "LOADING",
  proving: "LOADING",
  ready: "READY",
  draining: "UNLOADING",
};

/** @param readyOnly - Leaves out versions that don't serve. */
export function repositoryIndex(versions: readonly KnownVersion[], readyOnly: boolean): IndexedVersion[] {
  return versions
    .filter(({ state }) => !readyOnly || state === "ready")
    .map(({ name, number, state, reason = "" }) => {
      return { name, version: String(number), state: states[state] ?? "UNAVAILABLE", reason };
    });
}

/** Parameters of an order that change nothing here. */
const harmless = new Set(["unload_dependents"]);

/** @throws {@link ServeError} invalid_request for parameters that would have to be obeyed. */
export function checkParameters(names: readonly string[]): void {
  const name = names.find((each) => !harmless.has(each));
  if (name !== undefined)
    throw new ServeError(
      "invalid_request",
      `parameters: expected none, got ${JSON.stringify(name.slice(0, 64))}: a bundle has its own configuration and files`,
    );
}

/** @throws {@link ServeError} not_ready with what kept a model from being loaded; nothing if it serves. */
export function throwUnlessServed(model: string, problems: readonly string[]): void {
  if (problems.length > 0)
    throw new ServeError(
      "invalid_request",
      `no version of ${JSON.stringify(model)} could be loaded: ${problems.join("; ")}`,
    );
}
