/**
 * Rows as columns against the schema: a loop per feature, and no object per row.
 *
 * Only a yes is said here. Where it is a no, `rowAt` makes rows of the columns, which the checks of rows take: so what
 * is wrong is found, and said, in one way. A property test holds the two together.
 */
import type { Columns, ColumnValues, Row } from "../preprocessing/index.js";
import type { Feature } from "./feature.js";
import type { IgnoredFields } from "./ignored-fields.js";
import { valueFault } from "./row-issues.js";

export interface ColumnCheck {
  /** True if rows `first` to `end - 1` keep every rule. */
  acceptsColumns(rows: Columns, first: number, end: number): boolean;
  /**
   * One of them as an object. A missing value is null where the feature may be null or has to be there, and otherwise
   * absent.
   */
  rowAt(rows: Columns, index: number): Row;
}

export function createColumnCheck(features: readonly Feature[], ignored?: IgnoredFields): ColumnCheck {
  const tests = features.map(columnTest);
  const byName = new Map(features.map((feature) => [feature.name, feature]));
  return {
    acceptsColumns({ values }, first, end) {
      let known = 0;
      for (let at = 0; at < features.length; at++) {
        const column = values.get(features[at]!.name);
        if (column === undefined) {
          if (features[at]!.required) return false;
          continue;
        }
        known++;
        if (!tests[at]!(column, first, end)) return false;
      }
      if (known === values.size) return true;
      return ignored !== undefined && [...values.keys()].every((name) => byName.has(name) || ignored.mayPass(name));
    },
    rowAt({ values }, index) {
      // Whatever a column is called, it is a member and nothing else.
      const row = Object.create(null) as Record<string, unknown>;
      for (const [name, column] of values) {
        const value = rowValue(byName.get(name), column[index]);
        if (value !== undefined) row[name] = value;
      }
      return row;
    },
  };
}

type ColumnTest = (column: ColumnValues, first: number, end: number) => boolean;

function columnTest(feature: Feature): ColumnTest {
  if (feature.values !== undefined || feature.type === "string" || feature.type === "array")
    return (column, first, end) => {
      for (let row = first; row < end; row++) {
        const value = rowValue(feature, column[row]);
        if (value !== undefined && valueFault(feature, value) !== undefined) return false;
      }
      return true;
    };
  const {
    minimum = -Infinity,
    maximum = Infinity,
    exclusiveMinimum = -Infinity,
    exclusiveMaximum = Infinity,
  } = feature;
  const mayMiss = feature.nullable || !feature.required;
  const { type } = feature;
  return (column, first, end) => {
    const values = column as Float64Array;
    for (let row = first; row < end; row++) {
      const value = values[row]!;
      if (Number.isNaN(value)) {
        if (!mayMiss) return false;
        continue;
      }
      if (type === "boolean" && value !== 0 && value !== 1) return false;
      if (type === "integer" && !Number.isSafeInteger(value)) return false;
      // The exclusive bounds refuse an infinite number where there are no others.
      if (!(value >= minimum && value <= maximum && value > exclusiveMinimum && value < exclusiveMaximum)) return false;
    }
    return true;
  };
}

/** @param feature - Undefined for a column that the schema doesn't know. */
function rowValue(
  feature: Feature | undefined,
  value: number | string | readonly unknown[] | null | undefined,
): unknown {
  if (value === null || Number.isNaN(value)) {
    return feature === undefined || feature.required || feature.nullable ? null : undefined;
  }
  return feature?.type === "boolean" && (value === 0 || value === 1) ? value === 1 : value;
}
