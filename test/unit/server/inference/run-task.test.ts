/** Goal: a worker runs the versions that it holds, and one that it was told to unload is gone: from it, and from memory. */

import { expect, test } from "vitest";
import { type Runners, runTask, upTask } from "../../../../server/inference/run-task.js";
import { createRunner } from "../../../../server/inference/runner.js";
import { createPuppetEngine } from "../../../support/puppet-engine.js";
import { makeSpec } from "../../../support/versions.js";

function createWorker() {
  const runners: Runners = new Map();
  const released: string[] = [];
  for (const key of ["tiny/1", "tiny/2"]) {
    const runner = createRunner(createPuppetEngine(), makeSpec());
    runners.set(key, { ...runner, release: () => void released.push(key) });
  }
  runners.set("tiny/3", { notLoaded: "it is no model" });
  const run = (key: string) => runTask(runners, { key, blocks: [Float32Array.of(3)], rowCount: 1 });
  const unload = (key: string) => runTask(runners, { key, blocks: [], rowCount: 0, unload: true });
  return { runners, released, run, unload };
}

test("a version that is unloaded is released, once, and run no more; the others are", () => {
  const { released, run, unload } = createWorker();
  expect(unload("tiny/1")).toEqual({ loaded: undefined });
  expect(unload("tiny/1")).toEqual({ loaded: undefined });
  expect(released).toEqual(["tiny/1"]);
  expect(() => run("tiny/1")).toThrow("this worker doesn't hold tiny/1");
  expect(run("tiny/2")).toMatchObject({ raw: [Float32Array.of(6)] });
});

test("one that couldn't be loaded, and one that nobody knows, is unloaded without a word", () => {
  const { runners, released, run, unload } = createWorker();
  expect(run("tiny/3")).toEqual({ notLoaded: "it is no model" });
  expect([unload("tiny/3"), unload("tiny/9")]).toEqual([{ loaded: undefined }, { loaded: undefined }]);
  expect([released, [...runners.keys()]]).toEqual([[], ["tiny/1", "tiny/2"]]);
  const { key, blocks, rowCount } = upTask;
  expect(runTask(runners, { key, blocks, rowCount })).toEqual({ loaded: undefined });
});
