/**
 * A contract: the pure facts of a loaded bundle. What its rows look like, its graphs, planned once, its limits and its
 * objective. It never changes, and knows nothing of what runs it.
 */

import type { Bundle, ProtoNumbers, RowSchema } from "../../bundle/index.js";
import {
  createPostprocessor,
  createPreprocessor,
  type Postprocessor,
  type Preprocessor,
} from "../../preprocessing/index.js";
import { whyUnbounded } from "../inference/graph-time.js";
import type { BodyLimits } from "../protocol/protocol.js";

export interface Contract {
  readonly name: string;
  readonly number: number;
  /** `demand/1`: how executors, logs and metrics call it. */
  readonly key: string;
  /** Its models have no bytes, and it has one golden row, once the version serves. */
  readonly bundle: Omit<Bundle, "baseline" | "evaluation">;
  readonly rowSchema: RowSchema;
  readonly protoNumbers: ProtoNumbers | undefined;
  readonly preprocessor: Preprocessor;
  /** Its labels are the model's. */
  readonly postprocessor: Postprocessor;
  /** Features whose values are personal data: never told, never logged. */
  readonly hiddenFeatures: ReadonlySet<string>;
  readonly bodyLimits: BodyLimits;
  readonly sloMs: number;
  /** The precision in which its answers are compared: that of the models' outputs. */
  readonly predictionDtype: "float32" | "float64";
  /**
   * Why a run of its models may take any time and memory; undefined where it can't. Such a version never runs in this
   * process.
   */
  readonly unbounded: string | undefined;
}

/** Plans that were made before, in turns of their own; what isn't given is made now. */
export interface Plans {
  readonly preprocessor?: Preprocessor;
  readonly postprocessor?: Postprocessor;
}

/** Room for unknown features in a row, which an error is to name. */
const unknownMembersMax = 1000;

/** @throws GraphError when a graph can't be planned. */
export function createContract(bundle: Bundle, plans: Plans = {}): Contract {
  const { manifest, rowSchema } = bundle;
  const { features } = rowSchema;
  const postprocessor = plans.postprocessor ?? createPostprocessor(bundle.postprocessing);
  const rowsMax = manifest.limits.rows_max;
  const listFeatures = features.filter(({ type }) => type === "array").length;
  return {
    name: bundle.name,
    number: bundle.version,
    key: `${bundle.name}/${bundle.version}`,
    bundle,
    rowSchema,
    protoNumbers: manifest.proto?.fields,
    preprocessor: plans.preprocessor ?? createPreprocessor(bundle.preprocessing),
    postprocessor,
    hiddenFeatures: new Set(features.filter(({ pii }) => pii).map(({ name }) => name)),
    bodyLimits: {
      bodyBytesMax: manifest.limits.body_bytes_max,
      decode: {
        rowsMax,
        // And the body, its rows, its context and its fields.
        containersMax: rowsMax * (1 + listFeatures) + 4,
        membersMax: features.length + unknownMembersMax,
      },
    },
    sloMs: manifest.slo.p95_ms,
    predictionDtype: postprocessor.inputs.every(({ dtype }) => dtype === "float32") ? "float32" : "float64",
    unbounded: whyUnbounded(bundle.models),
  };
}

/**
 * The same without what is needed no more once a version is proved: golden rows but one, to show, the models' bytes
 * (executors have their own), and what training wrote down. They are as large as everything else of the bundle.
 */
export function afterProof(contract: Contract): Contract {
  const { golden, models, baseline: _baseline, evaluation: _evaluation, ...bundle } = contract.bundle as Bundle;
  const shown = golden.find(({ kind, error }) => kind === "sample" && error === undefined) ?? golden[0];
  const outlines = models.map((model) => ({ ...model, bytes: noBytes }));
  return { ...contract, bundle: { ...bundle, golden: shown === undefined ? [] : [shown], models: outlines } };
}

const noBytes = new Uint8Array(0);
