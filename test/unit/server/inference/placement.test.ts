/** Goal: where a lane's rows run follows from what it has: a session here, workers, and rows that fit into a turn. */

import { expect, test } from "vitest";
import type { Execution } from "../../../../server/inference/choose-executor.js";
import { Executors } from "../../../../server/inference/executors.js";
import { Lane } from "../../../../server/inference/lane.js";
import { Placement, rowsWithin } from "../../../../server/inference/placement.js";
import { createRunner, runnerSpec } from "../../../../server/inference/runner.js";
import { HandWorkedPool } from "../../../support/hand-worked-pool.js";
import { createPuppetEngine } from "../../../support/puppet-engine.js";
import { makeVersion } from "../../../support/versions.js";

const version = makeVersion();
const runner = createRunner(createPuppetEngine(), runnerSpec(version));
const pool = new HandWorkedPool(2);

function place(execution: Execution, { runs, pooled, rowUs }: { runs: boolean; pooled: boolean; rowUs: number }) {
  const lane = new Lane(version, runs ? runner : undefined, pooled ? pool : undefined);
  for (const cost of [lane.inlineCost, lane.poolCost]) for (const rows of [1, 8, 64]) cost.observe(rows, rowUs * rows);
  return { lane, placement: new Placement(execution, [], new Map([[pool, new Executors(pool)]])) };
}

const asked: Execution[] = ["auto", "inline", "pool"];
const lanes: { name: string; runs: boolean; pooled: boolean; rowUs: number; found: Execution[] }[] = [
  {
    name: "with both runs where it is asked for",
    runs: true,
    pooled: true,
    rowUs: 100,
    found: ["auto", "inline", "pool"],
  },
  {
    name: "whose row outlasts a turn goes to the pool",
    runs: true,
    pooled: true,
    rowUs: 501,
    found: ["pool", "inline", "pool"],
  },
  {
    name: "without a session here runs in the pool",
    runs: false,
    pooled: true,
    rowUs: 100,
    found: ["pool", "pool", "pool"],
  },
  { name: "without a pool runs here", runs: true, pooled: false, rowUs: 100, found: ["inline", "inline", "inline"] },
  {
    name: "without a pool runs here however slow",
    runs: true,
    pooled: false,
    rowUs: 50_000,
    found: ["inline", "inline", "inline"],
  },
];

test.each(lanes)("a lane $name", ({ found, ...has }) => {
  expect(
    asked.map((execution) => {
      const { lane, placement } = place(execution, has);
      return placement.executionOf(lane);
    }),
  ).toEqual(found);
});

test.each([
  { execution: "auto" as const, small: true, large: false },
  { execution: "inline" as const, small: true, large: true },
  { execution: "pool" as const, small: false, large: false },
])("$execution: the event loop takes small calls: $small, large ones: $large", ({ execution, small, large }) => {
  const { lane, placement } = place(execution, { runs: true, pooled: true, rowUs: 100 });
  expect([placement.runsOnLoop(lane, lane.small), placement.runsOnLoop(lane, lane.large)]).toEqual([small, large]);
  expect(placement.costOf(lane, lane.small)).toBe(small ? lane.inlineCost : lane.poolCost);
  expect(placement.costOf(lane, lane.large)).toBe(large ? lane.inlineCost : lane.poolCost);
});

test.each([
  { execution: "inline" as const, queue: "small" as const, rowsPerMs: 10 },
  { execution: "pool" as const, queue: "small" as const, rowsPerMs: 20 },
  // Small calls have the event loop and both workers, large ones the workers.
  { execution: "auto" as const, queue: "small" as const, rowsPerMs: 30 },
  { execution: "auto" as const, queue: "large" as const, rowsPerMs: 20 },
])(
  "$execution: $queue calls of 100 us a row drain at $rowsPerMs rows a millisecond",
  ({ execution, queue, rowsPerMs }) => {
    const { lane, placement } = place(execution, { runs: true, pooled: true, rowUs: 100 });
    expect(placement.expectedRowsPerMs(lane, lane[queue], 1000)).toBeCloseTo(rowsPerMs, 6);
  },
);

test.each([
  { budgetUs: 500, cost: { fixedUs: 100, perRowUs: 40 }, rows: 10 },
  { budgetUs: 500, cost: { fixedUs: 100, perRowUs: 1000 }, rows: 1 },
  { budgetUs: 50, cost: { fixedUs: 100, perRowUs: 1 }, rows: 26 },
  { budgetUs: 500, cost: { fixedUs: 0, perRowUs: 0.01 }, rows: 256 },
])("$budgetUs us hold $rows rows of $cost", ({ budgetUs, cost, rows }) => {
  expect(rowsWithin(budgetUs, cost)).toBe(rows);
});
