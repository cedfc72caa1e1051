/** A version that the store names and that isn't loaded: nothing is known of it but why. */

import type { BundleFault } from "../../bundle/index.js";

/**
 * `loading`: it waits to be read. `incomplete`: it isn't whole, as while it is being copied; it is looked at again.
 * `failed`: it is damaged or refused. `unloaded`: enough newer ones of its model are loaded, or it was taken out of
 * service.
 */
export type UnreadState = "loading" | "incomplete" | "failed" | "unloaded";

export class UnreadVersion {
  readonly name: string;
  readonly number: number;
  /** `demand/1` */
  readonly key: string;
  #state: UnreadState = "loading";
  #problems: readonly string[] = [];
  #reason: string | undefined;

  constructor(name: string, number: number) {
    this.name = name;
    this.number = number;
    this.key = `${name}/${number}`;
  }

  get state(): UnreadState {
    return this.#state;
  }

  /** Why it isn't served, in one sentence; undefined while it waits. */
  get reason(): string | undefined {
    return this.#reason;
  }

  /** All that was found wrong with it. */
  get problems(): readonly string[] {
    return this.#problems;
  }

  /** @param problems - At least one. */
  fail(fault: BundleFault, problems: readonly string[]): void {
    this.#state = fault === "incomplete" ? "incomplete" : "failed";
    this.#problems = problems;
    this.#reason = `${fault}: ${problems[0]}`;
  }

  leave(reason: string): void {
    this.#state = "unloaded";
    this.#reason = reason;
  }
}
