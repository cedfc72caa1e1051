/** A version as its calls see it. */

import type { Postprocessor, Preprocessor } from "../../preprocessing/index.js";
import type { Intake } from "../inference/intake.js";
import type { Protocol, ProtocolContract } from "../protocol/protocol.js";
import type { Fallback } from "../versions/fallback.js";
import type { PredictionCache } from "./cache.js";
import { RowBytes } from "./row-bytes.js";

/** What a version keeps for one protocol, from the first call on. */
export interface ProtocolState {
  /** What is the same in every reply. */
  readonly frame: unknown;
  /** What bodies hold. */
  readonly rowBytes: RowBytes;
}

export interface ServingVersion extends ProtocolContract {
  /** Of a view of a version, which takes and gives something else than its rows: the version, which has the lane. */
  readonly viewOf?: ServingVersion | undefined;
  /** `demand/1`: how executors, logs and metrics call it. */
  readonly key: string;
  readonly preprocessor: Preprocessor;
  readonly postprocessor: Postprocessor;
  /** Features whose values are personal data: never told, never logged. */
  readonly hiddenFeatures: ReadonlySet<string>;
  /** The deadline of calls that bring none, milliseconds. */
  readonly sloMs: number;
  /** What every answer of it says in its head, names and values in turn; made once. */
  readonly replyHeaders: readonly string[];
  readonly protocolStates: Map<Protocol, ProtocolState>;
  /** What answers when the model doesn't, as the bundle declares it; only of a version that serves. */
  readonly fallback: Fallback | undefined;
  /** Answers that it gave; undefined where none are kept. */
  readonly cache: PredictionCache | undefined;
  /** Where the rows of small calls are written, once it serves; undefined where they all have blocks of their own. */
  readonly intake: Intake | undefined;
  /** A call holds it from its route to its record, a batch while it runs: until then it isn't unloaded. */
  retain(): void;
  release(): void;
}

/** What runs a version's calls, and counts them. */
export function servedBy(version: ServingVersion): ServingVersion {
  return version.viewOf ?? version;
}

export function protocolState(version: ServingVersion, protocol: Protocol): ProtocolState {
  let kept = version.protocolStates.get(protocol);
  if (kept === undefined) {
    kept = { frame: protocol.frame(version), rowBytes: new RowBytes() };
    version.protocolStates.set(protocol, kept);
  }
  return kept;
}
