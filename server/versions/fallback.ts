/** What answers in the model's place: as the bundle declares it. */

import type { Bundle } from "../../bundle/index.js";
import type { Answer, Row } from "../../preprocessing/index.js";

export interface Fallback {
  /** Whether it looks at the rows; a constant doesn't. */
  readonly needsRows: boolean;
  /**
   * Answers rows `first` to `end - 1` of `rows`; of a constant only their number matters.
   *
   * @returns Undefined if it can't: the rule refuses a row, or gives a number that isn't finite.
   */
  answer(rows: readonly Row[], first: number, end: number): Answer | undefined;
}

/** @returns Undefined for a bundle that declares none. */
export function createFallback(_bundle: Bundle): Fallback | undefined {
  return undefined;
}
