/**
 * A rule of the protocol as a case that any server can be held to.
 *
 * A case holds a server to what its source says and to nothing more: where the source leaves a choice, each choice
 * passes.
 */

import type { ModelFacts } from "./model.js";
import type { Probe } from "./probe.js";
import type { Source } from "./sources.js";

export interface Case {
  /** Stable: reports of different days are compared by it. */
  readonly id: string;
  readonly rule: string;
  readonly source: Source;
  /** Of the protocol, by Triton's name: a server that doesn't list it is not asked. */
  readonly extension?: string;
  /** @returns Why the model can't show the rule. */
  readonly needs?: (model: ModelFacts) => string | undefined;
  /** @throws Mismatch when the rule is broken; NotApplicable when a reply shows that it doesn't apply. */
  readonly check: (probe: Probe) => Promise<void>;
}
