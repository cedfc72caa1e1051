/** What operators may ask for while the server serves. */

import type { ProofReport } from "./load-servable.js";
import type { Servable } from "./servable.js";

/** One thing that a scan found: plain data. */
export interface StoreChange {
  readonly model: string;
  readonly version: number;
  /**
   * `found`: it is new. `changed`: one that failed, or wasn't whole, looks otherwise. `incomplete`: it isn't whole.
   * `replaced`: it serves, and other contents are under its number. `gone`: its folder is gone.
   */
  readonly change: "found" | "changed" | "incomplete" | "replaced" | "gone";
}

/** What a scan found: plain data. */
export interface ScanReport {
  readonly models: number;
  readonly versions: number;
  readonly changes: readonly StoreChange[];
  /** Versions that are going to be loaded. */
  readonly loading: readonly { readonly model: string; readonly version: number }[];
  /** What is passed over, and why; at most some. */
  readonly passed_over: readonly string[];
  /** Why the store can't be read; what is served goes on. */
  readonly problem?: string;
}

export interface VersionControl {
  /** Looks at the store now; resolves when that is done, not when what it found is loaded. */
  scan(): Promise<ScanReport>;
  /**
   * Loads a version on purpose: it serves until it is unloaded on purpose, whatever the policy of its model.
   *
   * @returns It, once it serves, at once if it does already; or why it doesn't.
   * @throws {@link ServeError} model_not_found, not_ready.
   */
  load(model: string, version: number): Promise<Servable | ProofReport>;
  /**
   * Takes a version out of service on purpose: it isn't loaded again unless that is asked for. Resolves when it has
   * answered the calls that it had.
   *
   * @throws {@link ServeError} model_not_found, not_ready.
   */
  unload(model: string, version: number): Promise<void>;
  /**
   * Loads what the policy of a model wants.
   *
   * @returns Why no version of it serves; empty if one does.
   * @throws As {@link load}.
   */
  loadModel(model: string): Promise<readonly string[]>;
  /** Takes every version of a model that the store has now out of service. @throws As {@link unload}. */
  unloadModel(model: string): Promise<void>;
}
