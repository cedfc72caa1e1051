/**
 * Predictions of experiments that wait for their outcomes, in bounded memory.
 *
 * Each arm has room of its own: the champion's many calls push nothing of the canary out. What is pushed out without an
 * outcome is counted. A request's id, and a model's key, find the last call that had it.
 */

import type { Answer, Prediction } from "../../../preprocessing/index.js";
import type { ExperimentFigures } from "./arm-figures.js";

export type ExperimentArm = keyof ExperimentFigures["arms"];

export interface KeptCall<Owner> {
  /** The experiment whose call it was. */
  readonly owner: Owner;
  readonly arm: ExperimentArm;
  readonly requestId: string;
  /** As {@link keyName} makes it; "" for none. */
  readonly keyName: string;
  readonly keptMs: number;
  readonly answer: Readonly<Answer>;
  readonly labels: readonly Prediction[] | undefined;
  /** What outcomes came of its rows. */
  given: Set<string> | undefined;
}

export function keyName(modelName: string, key: string): string {
  return `${modelName}\n${key}`;
}

export class RecentPredictions<Owner> {
  readonly #rowsMax: number;
  readonly #byRequest = new Map<string, KeptCall<Owner>>();
  readonly #byKey = new Map<string, KeptCall<Owner>>();
  /** Oldest first. */
  readonly #arms: Record<ExperimentArm, { calls: Set<KeptCall<Owner>>; rows: number }> = {
    canary: { calls: new Set(), rows: 0 },
    control: { calls: new Set(), rows: 0 },
    champion: { calls: new Set(), rows: 0 },
  };
  /** Rows that were pushed out, and none of their call's had an outcome. */
  dropped = 0;

  /** @param rowsMax - Rows that each arm may have. */
  constructor(rowsMax: number) {
    this.#rowsMax = rowsMax;
  }

  get rows(): number {
    return this.#arms.canary.rows + this.#arms.control.rows + this.#arms.champion.rows;
  }

  add(call: KeptCall<Owner>): void {
    const arm = this.#arms[call.arm];
    arm.calls.add(call);
    arm.rows += call.answer.predictions.length;
    this.#byRequest.set(call.requestId, call);
    if (call.keyName !== "") this.#byKey.set(call.keyName, call);
    for (const oldest of arm.calls) {
      if (arm.rows <= this.#rowsMax) return;
      if (oldest.given === undefined) this.dropped += oldest.answer.predictions.length;
      this.#remove(oldest);
    }
  }

  ofRequest(requestId: string): KeptCall<Owner> | undefined {
    return this.#byRequest.get(requestId);
  }

  ofKey(modelName: string, key: string): KeptCall<Owner> | undefined {
    return this.#byKey.get(keyName(modelName, key));
  }

  /** Its outcomes are nobody's any more. */
  forget(owner: Owner): void {
    for (const { calls } of Object.values(this.#arms))
      for (const call of calls) if (call.owner === owner) this.#remove(call);
  }

  #remove(call: KeptCall<Owner>): void {
    const arm = this.#arms[call.arm];
    arm.calls.delete(call);
    arm.rows -= call.answer.predictions.length;
    if (this.#byRequest.get(call.requestId) === call) this.#byRequest.delete(call.requestId);
    if (this.#byKey.get(call.keyName) === call) this.#byKey.delete(call.keyName);
  }
}
