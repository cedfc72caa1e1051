/**
 * A row as a key: two rows have the same key exactly if no preprocessing can tell them apart.
 *
 * Numbers are written as their eight bytes, which tells -0 from 0 and costs a tenth of their digits; a missing value as
 * NaN, which no JSON number is. Texts and lists follow with their lengths, so that no two rows run into each other.
 * What stands at which place is the schema's order, whatever order the caller wrote.
 */

import { Buffer } from "node:buffer";
import type { RowSchema } from "../../bundle/index.js";
import type { Row } from "../../preprocessing/index.js";

/** @returns A function from a valid row to its key. Not reentrant: it owns its scratch. */
export function createRowKey({ features }: Pick<RowSchema, "features">): (row: Row) => string {
  const names = features.map(({ name }) => name);
  const numbers = new Float64Array(names.length);
  const bytes = Buffer.from(numbers.buffer);
  return (row) => {
    let texts = "";
    for (let i = 0; i < names.length; i++) {
      const value = row[names[i]!];
      switch (typeof value) {
        case "number":
          numbers[i] = value;
          break;
        case "boolean":
          numbers[i] = value ? 1 : 0;
          break;
        case "string":
          numbers[i] = value.length;
          texts += value;
          break;
        default:
          if (Array.isArray(value)) {
            const text = listKey(value);
            numbers[i] = text.length;
            texts += text;
          } else numbers[i] = Number.NaN;
      }
    }
    return bytes.toString("latin1") + texts;
  };
}

/** As JSON, which would lose the sign of zero. */
function listKey(values: readonly unknown[]): string {
  return JSON.stringify(values, (_, value) => (Object.is(value, -0) ? "-0" : value));
}
