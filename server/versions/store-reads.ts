/** What came of the versions that were read, by what their folders looked like then. */

import type { BundleFault } from "../../bundle/index.js";

export interface StoreRead {
  /** What the folder looked like before it was read; of a version that is loaded, its manifest. */
  readonly signature: string;
  /** Why it isn't loaded; undefined if it is, or shall be read once more. */
  readonly fault: BundleFault | "failed" | undefined;
  /** What was found wrong. */
  readonly problems: readonly string[];
}

/** By the versions' keys. */
export type StoreReads = Map<string, StoreRead>;
