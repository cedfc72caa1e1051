/** A version that the store names and that isn't loaded: nothing is known of it but why, and of a cold one its facts. */

import type { BundleFacts, BundleFault } from "../../bundle/index.js";

/**
 * `loading`: it waits to be read. `incomplete`: it isn't whole, as while it is being copied; it is looked at again.
 * `failed`: it is damaged or refused. `unloaded`: enough newer ones of its model are loaded, or it was taken out of
 * service. `cold`: it is wanted and takes no memory until it is called.
 */
export type UnreadState = "loading" | "incomplete" | "failed" | "unloaded" | "cold";

export class UnreadVersion {
  readonly name: string;
  readonly number: number;
  /** `demand/1` */
  readonly key: string;
  #state: UnreadState = "loading";
  #problems: readonly string[] = [];
  #reason: string | undefined;
  #facts: BundleFacts | undefined;
  #wakes = false;

  constructor(name: string, number: number) {
    this.name = name;
    this.number = number;
    this.key = `${name}/${number}`;
  }

  get state(): UnreadState {
    return this.#state;
  }

  /** Of a cold one, and of one that was and is being loaded. */
  get facts(): BundleFacts | undefined {
    return this.wakes || this.#state === "cold" ? this.#facts : undefined;
  }

  /** Whether a call for it waits until it is loaded: it is cold, or was and is being loaded. */
  get wakes(): boolean {
    return this.#wakes && (this.#state === "cold" || this.#state === "loading");
  }

  /** It takes the place of one that wakes. */
  takeOver(facts: BundleFacts | undefined): void {
    this.#facts = facts;
    this.#wakes = true;
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

  /** @param wakes - Whether calls wait for it; otherwise an older version answers them. */
  cool(facts: BundleFacts, wakes: boolean, reason = "it is loaded when it is called (memoryBudgetBytes)"): void {
    this.#state = "cold";
    this.#facts = facts;
    this.#wakes = wakes;
    this.#reason = reason;
  }
}
