/**
 * Goal: work runs at once where somebody is free for it, and the event loop is never held for longer than its turn
 * allows.
 */

import { expect, test } from "vitest";
import {
  type Choice,
  chooseExecutor,
  type Execution,
  type LaneLoad,
} from "../../../../server/inference/choose-executor.js";

/** A run costs 10 us and 10 us a row. */
const cost = { of: (rows: number) => 10 + 10 * rows };
const slowCost = { of: (rows: number) => 1000 * rows };

const nothing: LaneLoad = {
  smallRows: 0,
  largeRows: 0,
  lastWasLarge: false,
  idleWorkers: 0,
  budgetUs: 500,
  turnUnused: true,
};

interface Case {
  name: string;
  execution: Execution;
  load: Partial<LaneLoad>;
  slow?: boolean;
  choice: Choice;
}

const cases: Case[] = [
  { name: "waits when there is no work", execution: "auto", load: { idleWorkers: 2 }, choice: "wait" },
  { name: "waits when there is no work, inline", execution: "inline", load: {}, choice: "wait" },
  { name: "waits when there is no work, pool", execution: "pool", load: { idleWorkers: 2 }, choice: "wait" },

  {
    name: "runs few rows on the event loop",
    execution: "auto",
    load: { smallRows: 5, idleWorkers: 1 },
    choice: "inline-small",
  },
  {
    name: "runs them there too when all workers are busy",
    execution: "auto",
    load: { smallRows: 5 },
    choice: "inline-small",
  },
  {
    name: "gives what doesn't fit into the turn to an idle worker first",
    execution: "auto",
    load: { smallRows: 100, idleWorkers: 1 },
    choice: "pool-small",
  },
  {
    name: "runs a part of it when no worker is idle",
    execution: "auto",
    load: { smallRows: 100 },
    choice: "inline-small",
  },
  {
    name: "waits for the next turn when this one is used up and no worker is idle",
    execution: "auto",
    load: { smallRows: 5, budgetUs: 5, turnUnused: false },
    choice: "wait",
  },
  {
    name: "hands over when the turn is used up and a worker is idle",
    execution: "auto",
    load: { smallRows: 5, budgetUs: 5, turnUnused: false, idleWorkers: 1 },
    choice: "pool-small",
  },
  {
    name: "gives large calls to the pool",
    execution: "auto",
    load: { largeRows: 1000, idleWorkers: 1 },
    choice: "pool-large",
  },
  {
    name: "keeps the event loop for small calls while a worker takes a large one",
    execution: "auto",
    load: { smallRows: 5, largeRows: 1000, idleWorkers: 1 },
    choice: "pool-large",
  },
  {
    name: "runs small calls on the event loop while large ones hold all workers",
    execution: "auto",
    load: { smallRows: 5, largeRows: 1000 },
    choice: "inline-small",
  },
  { name: "lets a large call wait for a worker", execution: "auto", load: { largeRows: 1000 }, choice: "wait" },
  {
    name: "never runs a model on the event loop whose single row outlasts the turn",
    execution: "auto",
    load: { smallRows: 1 },
    slow: true,
    choice: "wait",
  },
  {
    name: "hands such a model's row to an idle worker",
    execution: "auto",
    load: { smallRows: 1, idleWorkers: 1 },
    slow: true,
    choice: "pool-small",
  },

  {
    name: "inline: ignores the pool",
    execution: "inline",
    load: { smallRows: 100, idleWorkers: 2 },
    choice: "inline-small",
  },
  {
    name: "inline: small calls go before large ones",
    execution: "inline",
    load: { smallRows: 1, largeRows: 1000 },
    choice: "inline-small",
  },
  {
    name: "inline: runs large calls in slices",
    execution: "inline",
    load: { largeRows: 1000 },
    choice: "inline-large",
  },
  {
    name: "inline: a slow model's row runs in an unused turn, since nobody else can",
    execution: "inline",
    load: { smallRows: 1 },
    slow: true,
    choice: "inline-small",
  },
  {
    name: "inline: but not a second one in the same turn",
    execution: "inline",
    load: { smallRows: 1, turnUnused: false },
    slow: true,
    choice: "wait",
  },
  {
    name: "inline: the same for large calls",
    execution: "inline",
    load: { largeRows: 10, budgetUs: 5, turnUnused: false },
    choice: "wait",
  },

  {
    name: "pool: small calls go to a worker",
    execution: "pool",
    load: { smallRows: 1, idleWorkers: 1 },
    choice: "pool-small",
  },
  { name: "pool: large calls too", execution: "pool", load: { largeRows: 1000, idleWorkers: 1 }, choice: "pool-large" },
  {
    name: "pool: nothing runs on the event loop",
    execution: "pool",
    load: { smallRows: 1, largeRows: 1000 },
    choice: "wait",
  },
  {
    name: "pool: a large call's turn",
    execution: "pool",
    load: { smallRows: 1, largeRows: 1000, idleWorkers: 1, lastWasLarge: false },
    choice: "pool-large",
  },
  {
    name: "pool: then a small one's",
    execution: "pool",
    load: { smallRows: 1, largeRows: 1000, idleWorkers: 1, lastWasLarge: true },
    choice: "pool-small",
  },
];

test.each(cases)("$execution: $name", ({ execution, load, slow, choice }) => {
  expect(chooseExecutor({ ...nothing, ...load }, slow ? slowCost : cost, execution)).toBe(choice);
});
