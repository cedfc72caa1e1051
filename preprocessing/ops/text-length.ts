/** The length of a text in code points, as Python's `len` counts. A missing text has a missing length. */
import { closedObject } from "../closed-schema.js";
import { NumberColumn } from "../column.js";
import { defineOperator, textColumns } from "../operator.js";

export const textLength = defineOperator(closedObject({}), (columns, _, { path, refusals }) => {
  const inputs = textColumns(columns, `${path}.inputs`);
  const outputs = inputs.map(({ feature }) => new NumberColumn(feature));
  const work = inputs.map(({ feature, values }, index) => ({ feature, from: values, to: outputs[index]!.values }));
  const step = (rowCount: number): void => {
    for (let index = 0; index < work.length; index++) {
      const { feature, from, to } = work[index]!;
      for (let row = 0; row < rowCount; row++) {
        const text = from[row]!;
        to[row] = typeof text === "string" ? codePoints(text) : Number.NaN;
        if (typeof text !== "string" && text !== null) refusals.add(row, feature, "a text", text);
      }
    }
  };
  return { columns: outputs, step };
});

/** Code units, less one for each pair of surrogates. */
function codePoints(text: string): number {
  let count = text.length;
  for (let at = 1; at < text.length; at++) {
    const isPair = (text.charCodeAt(at) & 0xfc00) === 0xdc00 && (text.charCodeAt(at - 1) & 0xfc00) === 0xd800;
    if (isPair) count -= 1;
  }
  return count;
}
