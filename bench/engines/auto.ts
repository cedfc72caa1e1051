/** Does `auto` lose anywhere? */

import { median } from "../../loadtest/statistics.js";
import { type ModelResult, ratios } from "./result.js";

export interface Loss {
  readonly model: ModelResult;
  readonly rowCount: number;
  /** The time of the engine that wasn't taken, over that of the one that was: below 1. */
  readonly ratio: number;
}

/** Where the medians are closer than this, neither engine is called the slower. */
const tie = 0.95;

/** Where the engine that `auto` takes is slower than the other. Models that only one engine runs aren't among them. */
export function lossesOfAuto(models: readonly ModelResult[]): Loss[] {
  return models.flatMap((model) => {
    const taken = model.auto.engine;
    const other = taken === "tree" ? "onnxruntime" : "tree";
    return model.byRows.flatMap(({ rowCount }) => {
      const found = ratios(model, rowCount, other, taken);
      const ratio = found.length > 0 ? median(found) : 1;
      return ratio < tie ? [{ model, rowCount, ratio }] : [];
    });
  });
}
