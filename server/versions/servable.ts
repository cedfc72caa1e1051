/**
 * A servable: a contract with what serves it. Its engines, its lane, the memory that its calls share, and how many of
 * them there are.
 *
 * Whoever works with it holds a reference: a call from its route to its record, and a batch while a worker runs it. So
 * once it takes no new calls and the last reference is gone, nothing of it is under way, and what it holds can be given
 * back.
 */

import type { EngineChoice, EngineName } from "../inference/engines.js";
import type { Intake } from "../inference/intake.js";
import type { Lane } from "../inference/lane.js";
import type { Prepared } from "../inference/prepare.js";
import type { PredictionCache } from "../path/cache.js";
import type { ServingVersion } from "../path/serving-version.js";
import { createBlockView } from "./block-view.js";
import type { Contract } from "./contract.js";
import { createFallback, type Fallback, type StandIn } from "./fallback.js";
import { mayFollow, type VersionState } from "./states.js";

/** `refused`: it doesn't answer as its golden rows say. `failed`: it couldn't be loaded or run, or wasn't wanted. */
export type VersionFault = "refused" | "failed";

export interface ProofSummary {
  readonly rows: number;
  readonly batchSizes: readonly number[];
  readonly executors: readonly string[];
  readonly featuresUlpMax: number;
  readonly rawUlpMax: number;
  readonly predictionUlpMax: number;
}

let uses = 0;

export class Servable implements ServingVersion {
  contract: Contract;
  // Of the contract, what the steps of a call read.
  readonly name: string;
  readonly number: number;
  readonly key: string;
  readonly rowSchema: Contract["rowSchema"];
  readonly protoNumbers: Contract["protoNumbers"];
  readonly preprocessor: Contract["preprocessor"];
  readonly postprocessor: Contract["postprocessor"];
  readonly hiddenFeatures: Contract["hiddenFeatures"];
  readonly bodyLimits: Contract["bodyLimits"];
  readonly sloMs: number;
  readonly protocolStates: ServingVersion["protocolStates"] = new Map();
  readonly replyHeaders: readonly string[];
  cache: PredictionCache | undefined = undefined;
  intake: Intake | undefined = undefined;
  /** Its queue, once it is proved. */
  lane: Lane | undefined = undefined;
  /** What runs its models, and why. */
  engines: readonly EngineChoice[] = [];
  /** What its runs cost in the worker that loaded it, if one measured it. */
  runUs: Prepared["runUs"] = [];
  /** What its golden rows showed on this server; undefined until they ran. */
  proof: ProofSummary | undefined = undefined;
  /** The version that served before it, while that serves: for a bundle that falls back to it. */
  lastGood: () => StandIn | undefined = () => undefined;
  /** Why it failed: sentences for `/models/{m}` and the log. */
  problems: readonly string[] = [];
  readonly #fallback: Fallback | undefined;
  #blockView: ServingVersion | undefined;
  #state: VersionState = "loading";
  #fault: VersionFault = "refused";
  #references = 0;
  #wakes = false;
  /** When it was used last, as a count of uses of all versions: which of two was used less recently. */
  lastUse = ++uses;
  #onUnused: (() => void) | undefined;

  /** @throws GraphError when a graph of its fallback can't be planned. */
  constructor(contract: Contract) {
    const { name, number, key, rowSchema, preprocessor, postprocessor, hiddenFeatures, bodyLimits, sloMs } = contract;
    this.contract = contract;
    this.name = name;
    this.number = number;
    this.key = key;
    this.rowSchema = rowSchema;
    this.protoNumbers = contract.protoNumbers;
    this.preprocessor = preprocessor;
    this.postprocessor = postprocessor;
    this.hiddenFeatures = hiddenFeatures;
    this.bodyLimits = bodyLimits;
    this.sloMs = sloMs;
    this.replyHeaders = ["x-plumb-version", String(number), "x-plumb-digest", contract.bundle.digest];
    this.#fallback = createFallback(contract.bundle, () => this.lastGood());
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

  /** The version without its graphs; made once somebody asks for it. */
  get blockView(): ServingVersion {
    this.#blockView ??= createBlockView(this, this.contract.bundle.models);
    return this.#blockView;
  }

  /** Why it isn't served, in one sentence; undefined unless it failed. */
  get reason(): string | undefined {
    const [first] = this.problems;
    return this.#state === "failed" && first !== undefined ? `${this.#fault}: ${first}` : undefined;
  }

  /** Calls and batches that work with it. */
  get references(): number {
    return this.#references;
  }

  /** Whether calls for it wait while it is being loaded: it was cold. */
  get wakes(): boolean {
    return this.#wakes && (this.#state === "loading" || this.#state === "proving");
  }

  takeOver(): void {
    this.#wakes = true;
  }

  retain(): void {
    this.lastUse = ++uses;
    this.#references++;
  }

  release(): void {
    if (--this.#references === 0) this.#onUnused?.();
  }

  /** Once, when nothing works with it any more. */
  whenUnused(listener: () => void): void {
    this.#onUnused = () => {
      this.#onUnused = undefined;
      listener();
    };
  }

  transition(next: VersionState): void {
    if (!mayFollow(this.#state, next)) throw new Error(`version ${this.key} can't go from ${this.#state} to ${next}`);
    this.#state = next;
  }

  fail(problems: readonly string[], fault: VersionFault = "refused"): void {
    this.transition("failed");
    this.#fault = fault;
    this.problems = problems;
  }

  /** Takes no new calls from here on; resolves when nothing works with it any more. */
  drain(): Promise<void> {
    this.transition("draining");
    return new Promise((resolve) => {
      if (this.#references === 0) resolve();
      else this.#onUnused = resolve;
    });
  }
}
