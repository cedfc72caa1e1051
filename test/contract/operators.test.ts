/** Goal: one contract that every operator keeps, so that the plan never has to know which one it runs. */
import { describe, expect, it } from "vitest";
import { type InputColumn, type ItemType, ListColumn, NumberColumn, TextColumn } from "../../preprocessing/column.js";
import { GraphError } from "../../preprocessing/graph-error.js";
import type { Operator, PlannedNode } from "../../preprocessing/operator.js";
import { operatorsAfter, operatorsBefore } from "../../preprocessing/operators.js";
import { Refusals } from "../../preprocessing/refusals.js";
import { type OperatorCase, operatorCases } from "./operators.cases.js";

const operators: ReadonlyMap<string, Operator> = new Map([...operatorsBefore, ...operatorsAfter]);
const path = "nodes[0]";

it("covers every operator", () => {
  expect(new Set(operatorCases.map(({ op }) => op))).toEqual(new Set(operators.keys()));
});

describe.each(operatorCases)("$op, $title", (operatorCase) => {
  const { op, columns: cells, params, width, refused = [], malformed } = operatorCase;
  const rowCount = cells[0]!.length;

  it("takes its parameters, and leaves them as they were", () => {
    const frozen = deepFreeze(structuredClone(params));
    expect(() => operators.get(op)!.checkParams(frozen, path)).not.toThrow();
    expect(plan(operatorCase, frozen).node.columns).toHaveLength(width);
  });

  it("writes every row of every column it declares", () => {
    const { node, fill, outputs } = plan(operatorCase);
    const sentinel = 123.456;
    for (const values of outputs) values.fill(sentinel as never);
    fill(0, rowCount);
    node.step?.(rowCount);
    for (const values of outputs) expect(values.indexOf(sentinel as never)).toBe(rowCount);
  });

  it("gives a batch what it gives each row by itself", () => {
    const together = plan(operatorCase);
    together.fill(0, rowCount);
    together.node.step?.(rowCount);
    const alone = plan(operatorCase);
    for (let row = 0; row < rowCount; row++) {
      alone.fill(row, row + 1);
      alone.node.step?.(1);
      for (const [index, values] of alone.outputs.entries()) {
        expect(values[0], `row ${row}, column ${index}`).toBe(together.outputs[index]![row]);
      }
    }
  });

  it("refuses the rows that it must, and no others", () => {
    const { node, fill, refusals } = plan(operatorCase);
    fill(0, rowCount);
    node.step?.(rowCount);
    const found = refusals.take();
    expect([...new Set(found.map(({ row }) => row))]).toEqual(refused);
    for (const { feature, expected, got } of found) {
      expect(feature).toMatch(/^feature \d$/);
      expect(expected).not.toBe("");
      expect(got).not.toBe("");
    }
  });

  it("does not touch its inputs", () => {
    const { node, fill, inputs } = plan(operatorCase);
    fill(0, rowCount);
    const before = inputs.map(({ values }) => [...values]);
    node.step?.(rowCount);
    expect(inputs.map(({ values }) => [...values])).toEqual(before);
  });

  it.each(malformed.map(([over, at]) => ({ over, at })))("refuses $over", ({ over, at }) => {
    expect(refusal(() => plan(operatorCase, { ...params, ...over })).path).toBe(`${path}.${at}`);
  });

  it("refuses a parameter that it doesn't know", () => {
    const error = refusal(() => plan(operatorCase, { ...params, no_such: 1 }));
    expect({ path: error.path, got: error.got }).toEqual({ path: `${path}.params`, got: 'the key "no_such"' });
  });
});

function plan({ op, columns: cells, params }: OperatorCase, givenParams: unknown = params) {
  const refusals = new Refusals();
  const inputs: InputColumn[] = cells.map((values, index) => {
    const items = values.flatMap((value) => (Array.isArray(value) ? [typeof value[0]] : []));
    if (items.length > 0)
      return new ListColumn(`feature ${index}`, items.find((type) => type !== "undefined") as ItemType);
    const isText = values.some((value) => typeof value !== "number");
    return isText ? new TextColumn(`feature ${index}`) : new NumberColumn(`feature ${index}`);
  });
  const node: PlannedNode = operators.get(op)!.plan(inputs, givenParams, { path, refusals });
  // As the plan of a graph does: who reads a column asks for its values before the first run.
  const outputs = node.columns.map(({ values }) => values);
  /** Puts rows from .. to-1 at the head of the strip. */
  const fill = (from: number, to: number): void => {
    for (const [index, { values }] of inputs.entries()) {
      for (let row = from; row < to; row++) (values as unknown[])[row - from] = cells[index]![row];
    }
  };
  return { node, fill, inputs, outputs, refusals };
}

function refusal(run: () => unknown): GraphError {
  try {
    run();
  } catch (error) {
    if (error instanceof GraphError) return error;
    throw error;
  }
  throw new Error("nothing was refused");
}

function deepFreeze<Value>(value: Value): Value {
  if (typeof value === "object" && value !== null)
    for (const part of Object.values(Object.freeze(value))) deepFreeze(part);
  return value;
}
