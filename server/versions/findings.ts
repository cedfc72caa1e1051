/** What a proof has found so far: the worst difference of each kind, and what breaks the tolerance. */

import type { Manifest } from "../../bundle/index.js";
import { ulpDistance } from "./ulp.js";

export interface WorstDifference {
  /** Units in the last place; 0 means the same bits in every row. */
  ulp: number;
  /** Where, if `ulp` isn't 0: "golden.jsonl line 12, features.X[3]: expected 1.5, got 1.5000000000000002". */
  where: string;
}

/** At most so many are kept: a bundle that is wrong is wrong in every row. */
const problemsMax = 20;

type Kind = "features" | "raw" | "prediction";

/** A difference of either size is granted: in units in the last place, or however many these are. */
interface Grant {
  readonly ulp: number;
  readonly absolute: number;
}

export class Findings {
  readonly #grants: Readonly<Record<Kind, Grant>>;
  readonly #worst: Record<Kind, WorstDifference> = {
    features: { ulp: 0, where: "" },
    raw: { ulp: 0, where: "" },
    prediction: { ulp: 0, where: "" },
  };
  readonly #problems: string[] = [];
  #count = 0;

  /** @param tolerance - What the manifest grants. */
  constructor({
    features_ulp,
    margin_ulp,
    margin_abs = 0,
    prediction_ulp,
    prediction_abs = 0,
  }: Manifest["parity"]["tolerance"]) {
    this.#grants = {
      features: { ulp: features_ulp, absolute: 0 },
      raw: { ulp: margin_ulp, absolute: margin_abs },
      prediction: { ulp: prediction_ulp, absolute: prediction_abs },
    };
  }

  difference(kind: Kind, expected: number, got: number, dtype: "float32" | "float64", where: string): void {
    const granted = this.#grants[kind];
    // Near zero a difference may be any number of units, and says nothing of the others.
    if (granted.absolute > 0 && Math.abs(expected - got) <= granted.absolute) return;
    const ulp = ulpDistance(expected, got, dtype);
    if (ulp === 0) return;
    const sentence = `${where}: expected ${expected}, got ${got}, ${ulp} ulp (${dtype}) apart`;
    if (ulp > this.#worst[kind].ulp) this.#worst[kind] = { ulp, where: sentence };
    if (ulp > granted.ulp) this.problem(`${sentence}; the manifest's tolerance is ${granted.ulp}`);
  }

  problem(sentence: string): void {
    this.#count++;
    if (this.#problems.length < problemsMax) this.#problems.push(sentence);
  }

  result(): Record<Kind, WorstDifference> & { problems: readonly string[]; problemCount: number } {
    return { ...this.#worst, problems: this.#problems, problemCount: this.#count };
  }
}
