/**
 * Goal: a servable's states change only along the listed transitions, and it is let go when nothing works with it any
 * more, not before.
 */

import { describe, expect, test } from "vitest";
import type { EngineName } from "../../../../server/inference/engines.js";
import { versionStates } from "../../../../server/versions/states.js";
import { makeVersion } from "../../../support/versions.js";

const allowed: readonly string[] = [
  "loading -> proving",
  "loading -> failed",
  "proving -> ready",
  "proving -> failed",
  "ready -> draining",
  "draining -> closed",
];

describe.each(versionStates)("a version that is %s", (from) => {
  test.each(versionStates)("becomes %s only if that is listed", (to) => {
    const version = makeVersion({ state: from });
    if (allowed.includes(`${from} -> ${to}`)) {
      version.transition(to);
      expect(version.state).toBe(to);
    } else {
      expect(() => version.transition(to)).toThrow(`version tiny/1 can't go from ${from} to ${to}`);
      expect(version.state).toBe(from);
    }
  });
});

test.each<[string, readonly EngineName[], string | undefined]>([
  ["none that was chosen", [], undefined],
  ["one", ["tree"], "tree"],
  ["one for all its models", ["onnxruntime", "onnxruntime"], "onnxruntime"],
  ["several", ["tree", "onnxruntime", "tree"], "mixed"],
])("a version whose models run on %s says so", (_, engines, told) => {
  const version = makeVersion();
  version.engines = engines.map((engine, i) => ({ model: `m${i}`, engine, reason: undefined, differed: false }));
  expect(version.engine).toBe(told);
});

test("a version that fails says why", () => {
  const version = makeVersion({ state: "proving" });
  version.fail(["golden.jsonl line 3: expected 1, got 2"]);
  expect(version.state).toBe("failed");
  expect(version.problems).toEqual(["golden.jsonl line 3: expected 1, got 2"]);
});

test("one that serves can't fail any more", () => {
  const version = makeVersion();
  expect(() => version.fail(["too late"])).toThrow("can't go from ready to failed");
  expect([version.state, version.problems]).toEqual(["ready", []]);
});

describe("a servable that is drained", () => {
  /** Whether the drain is over, after all that follows from it at once. */
  async function isOver(drain: Promise<void>): Promise<boolean> {
    return await Promise.race([drain.then(() => true), new Promise<false>((resolve) => setImmediate(resolve, false))]);
  }

  test("is let go at once if nothing works with it", async () => {
    const servable = makeVersion();
    servable.retain();
    servable.release();
    expect(servable.references).toBe(0);
    expect(await isOver(servable.drain())).toBe(true);
    expect(servable.state).toBe("draining");
  });

  test("waits for the last of those who do, and answers them as before", async () => {
    const servable = makeVersion({ fallback: { kind: "constant", prediction: 7 } });
    for (let i = 0; i < 3; i++) servable.retain();
    const drain = servable.drain();
    for (const left of [2, 1]) {
      servable.release();
      expect(servable.references).toBe(left);
      expect(servable.fallback?.answer([], 0, 1)?.predictions).toEqual([7]);
      expect(await isOver(drain)).toBe(false);
    }
    servable.release();
    expect(await isOver(drain)).toBe(true);
  });

  test("can't be drained twice, nor before it serves", () => {
    const servable = makeVersion();
    void servable.drain();
    expect(() => servable.drain()).toThrow("can't go from draining to draining");
    expect(() => makeVersion({ state: "proving" }).drain()).toThrow("can't go from proving to draining");
  });
});
