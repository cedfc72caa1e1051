/** A version as its calls see it. */

import type { RowSchema } from "../../bundle/index.js";
import type { Postprocessor, Preprocessor } from "../../preprocessing/index.js";
import type { AnswerFrame } from "../codec/json.js";
import type { DecodeLimits } from "../codec/json-text.js";
import type { Intake } from "../inference/intake.js";
import type { Fallback } from "../versions/fallback.js";
import type { PredictionCache } from "./cache.js";
import type { RowBytes } from "./row-bytes.js";

export interface BodyLimits {
  readonly bodyBytesMax: number;
  readonly decode: DecodeLimits;
}

export interface ServingVersion {
  readonly name: string;
  readonly number: number;
  /** `demand/1`: how executors, logs and metrics call it. */
  readonly key: string;
  readonly rowSchema: RowSchema;
  readonly preprocessor: Preprocessor;
  readonly postprocessor: Postprocessor;
  readonly answerFrame: AnswerFrame;
  /** Features whose values are personal data: never told, never logged. */
  readonly hiddenFeatures: ReadonlySet<string>;
  readonly bodyLimits: BodyLimits;
  /** The deadline of calls that bring none, milliseconds. */
  readonly sloMs: number;
  /** What its bodies hold. */
  readonly rowBytes: RowBytes;
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
