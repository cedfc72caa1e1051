/**
 * Counts of a text's terms by their hashes, as HashingVectorizer: there is no vocabulary, and terms may share a column.
 */
import { closedObject, flag } from "../closed-schema.js";
import { defineOperator } from "../operator.js";
import { SparseGroup } from "../sparse-group.js";
import { analyzerParams, createAnalyzer } from "../text/analyze.js";
import { addHashed, hashParams } from "../text/hash-features.js";
import { documentColumn, PositionSums } from "../text/term-counts.js";
import { norm, normalizers } from "../text/weigh-terms.js";

const params = closedObject({ ...analyzerParams, ...hashParams, norm, binary: flag.default(false) });

export const hashingVectorizer = defineOperator(params, (columns, values, context) => {
  const { n_features: width, alternate_sign, binary } = values;
  const { feature, values: texts } = documentColumn(columns, context);
  const analyze = createAnalyzer(values, `${context.path}.params`);
  const normalize = values.norm === null ? undefined : normalizers[values.norm];
  const group = new SparseGroup(new Array(width).fill(feature));
  const { cells } = group;
  const sums = new PositionSums(width);
  let hashable = true;
  const take = (term: string): void => {
    if (!addHashed(sums, width, alternate_sign, term, 1)) hashable = false;
  };
  const step = (rowCount: number): void => {
    cells.clear();
    for (let row = 0; row < rowCount; row++) {
      const text = texts[row];
      hashable = true;
      if (typeof text === "string") analyze(text, take);
      else context.refusals.add(row, feature, "a text", text);
      if (!hashable) context.refusals.add(row, feature, "a text without half of a surrogate pair", text);
      // Terms that cancel each other out leave a 0, which `binary` makes 1, as scikit-learn does.
      sums.moveTo(cells, row, binary);
      normalize?.(cells, row);
    }
    group.fill(rowCount);
  };
  return { columns: group.columns, step };
});
