/** What a proof has found so far: the worst difference of each kind, and what breaks the tolerance. */

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

export class Findings {
  readonly #worst: Record<Kind, WorstDifference> = {
    features: { ulp: 0, where: "" },
    raw: { ulp: 0, where: "" },
    prediction: { ulp: 0, where: "" },
  };
  readonly #problems: string[] = [];
  #count = 0;

  difference(kind: Kind, expected: number, got: number, dtype: "float32" | "float64", toleranceUlp: number, where: string): void {
    const ulp = ulpDistance(expected, got, dtype);
    if (ulp === 0) return;
    const sentence = `${where}: expected ${expected}, got ${got}, ${ulp} ulp (${dtype}) apart`;
    if (ulp > this.#worst[kind].ulp) this.#worst[kind] = { ulp, where: sentence };
    if (ulp > toleranceUlp) this.problem(`${sentence}; the manifest's tolerance is ${toleranceUlp}`);
  }

  problem(sentence: string): void {
    this.#count++;
    if (this.#problems.length < problemsMax) this.#problems.push(sentence);
  }

  result(): Record<Kind, WorstDifference> & { problems: readonly string[]; problemCount: number } {
    return { ...this.#worst, problems: this.#problems, problemCount: this.#count };
  }
}
