/**
 * A version: a bundle while it is loaded, with everything that a call needs of it.
 *
 * Its states and the transitions between them are a list; nothing but {@link Version.become} changes a state.
 */

import type { Bundle, RowSchema } from "../../bundle/index.js";
import {
  createPostprocessor,
  createPreprocessor,
  type Postprocessor,
  type Preprocessor,
} from "../../preprocessing/index.js";
import { createSharedChoices, type EngineChoice, type EngineName, type SharedChoices } from "../inference/engines.js";
import { whyUnbounded } from "../inference/graph-time.js";
import type { Intake } from "../inference/intake.js";
import type { PredictionCache } from "../path/cache.js";
import type { ServingVersion } from "../path/serving-version.js";
import type { BodyLimits } from "../protocol/protocol.js";
import { createFallback, type Fallback } from "./fallback.js";

/**
 * loading -> proving -> ready -> draining -> closed, and failed from the first two.
 * Only a ready version answers calls; one that is draining finishes those that it has.
 */
const transitions = {
  loading: ["proving", "failed"],
  proving: ["ready", "failed"],
  ready: ["draining"],
  draining: ["closed"],
  failed: [],
  closed: [],
} as const satisfies Record<string, readonly string[]>;

export type VersionState = keyof typeof transitions;

/** `refused`: it doesn't answer as its golden rows say. `failed`: it couldn't be loaded or run. */
export type VersionFault = "refused" | "failed";

export interface ProofSummary {
  readonly rows: number;
  readonly batchSizes: readonly number[];
  readonly executors: readonly string[];
  readonly featuresUlpMax: number;
  readonly rawUlpMax: number;
  readonly predictionUlpMax: number;
}

/** Plans that were made before, in turns of their own; what isn't given is made by the constructor. */
export interface VersionPlans {
  readonly preprocessor?: Preprocessor;
  readonly postprocessor?: Postprocessor;
}

export class Version implements ServingVersion {
  readonly name: string;
  readonly number: number;
  readonly key: string;
  bundle: Bundle;
  readonly rowSchema: RowSchema;
  readonly preprocessor: Preprocessor;
  readonly postprocessor: Postprocessor;
  readonly hiddenFeatures: ReadonlySet<string>;
  readonly bodyLimits: BodyLimits;
  /**
   * Why a run of its models may take any time and memory; undefined where it can't. Such a version never runs in this
   * process.
   */
  readonly unbounded: string | undefined;
  readonly sloMs: number;
  #state: VersionState = "loading";
  /** Why it failed: sentences for `/models/{m}` and the log. */
  problems: readonly string[] = [];
  /** What its golden rows showed on this server; undefined until they ran. */
  proof: ProofSummary | undefined = undefined;
  /** What runs its models, and why. */
  engines: readonly EngineChoice[] = [];
  /** The same, for other threads. */
  readonly chosen: SharedChoices;
  cache: PredictionCache | undefined = undefined;
  intake: Intake | undefined = undefined;
  readonly protocolStates: ServingVersion["protocolStates"] = new Map();
  readonly #fallback: Fallback | undefined;
  /** The precision in which its answers are compared: that of the models' outputs. */
  readonly predictionDtype: "float32" | "float64";

  /** @throws GraphError when a graph can't be planned. */
  constructor(bundle: Bundle, plans: VersionPlans = {}) {
    const { manifest } = bundle;
    this.bundle = bundle;
    this.name = bundle.name;
    this.number = bundle.version;
    this.key = `${bundle.name}/${bundle.version}`;
    this.rowSchema = bundle.rowSchema;
    this.preprocessor = plans.preprocessor ?? createPreprocessor(bundle.preprocessing);
    this.postprocessor = plans.postprocessor ?? createPostprocessor(bundle.postprocessing);
    this.hiddenFeatures = new Set(bundle.rowSchema.features.filter(({ pii }) => pii).map(({ name }) => name));
    this.predictionDtype = this.postprocessor.inputs.every(({ dtype }) => dtype === "float32") ? "float32" : "float64";
    this.#fallback = createFallback(bundle);
    this.unbounded = whyUnbounded(bundle.models);
    this.chosen = createSharedChoices(bundle.models.length);
    this.sloMs = manifest.slo.p95_ms;
    const rowsMax = manifest.limits.rows_max;
    const listFeatures = bundle.rowSchema.features.filter(({ type }) => type === "array").length;
    this.bodyLimits = {
      bodyBytesMax: manifest.limits.body_bytes_max,
      decode: {
        rowsMax,
        containersMax: rowsMax * (1 + listFeatures) + 2,
        // Room for unknown ones, which an error is to name.
        membersMax: bundle.rowSchema.features.length + 1000,
      },
    };
  }

  get state(): VersionState {
    return this.#state;
  }

  /** The engine of all its models; `mixed` where they have different ones, undefined where none was chosen yet. */
  get engine(): EngineName | "mixed" | undefined {
    const [first, ...others] = this.engines;
    return others.some(({ engine }) => engine !== first!.engine) ? "mixed" : first?.engine;
  }

  get fallback(): Fallback | undefined {
    return this.#state === "ready" || this.#state === "draining" ? this.#fallback : undefined;
  }

  #fault: VersionFault = "refused";

  /** Why it isn't served, in one sentence; undefined unless it failed. */
  get reason(): string | undefined {
    const [first] = this.problems;
    return this.#state === "failed" && first !== undefined ? `${this.#fault}: ${first}` : undefined;
  }

  /** Keeps one golden row, to show; the others are as large as everything else of the bundle, and proved. */
  releaseGolden(): void {
    const { golden } = this.bundle;
    const shown = golden.find(({ kind, error }) => kind === "sample" && error === undefined) ?? golden[0];
    this.bundle = { ...this.bundle, golden: shown === undefined ? [] : [shown] };
  }

  become(next: VersionState): void {
    if (!(transitions[this.#state] as readonly string[]).includes(next)) {
      throw new Error(`version ${this.key} can't go from ${this.#state} to ${next}`);
    }
    this.#state = next;
  }

  fail(problems: readonly string[], fault: VersionFault = "refused"): void {
    this.become("failed");
    this.#fault = fault;
    this.problems = problems;
  }
}
