/**
 * A worker in a process of its own, for versions whose runs may take any time and any memory: it can be killed in the
 * middle of a run.
 *
 * Its parent sends one message at a time: a version to load, or a task; each is answered once. It ends with its parent:
 * when the channel between them closes; and since native code may hold this thread for ever, a second thread looks
 * whether the parent is still there.
 */

import { writeFileSync } from "node:fs";
import { Worker } from "node:worker_threads";
import type { FromProcess, ToProcess } from "./process-pool.js";
import { loadRunner, type NotLoaded, type Runners, runTask } from "./run-task.js";
import type { RunResult } from "./runner.js";

const parentPid = Number(process.argv[2]);

/** Looks once a second. It must not need this thread for anything. */
const guard = `
  const { workerData } = require("node:worker_threads");
  setInterval(() => {
    if (process.ppid !== workerData) process.kill(process.pid, "SIGKILL");
  }, 1000);
`;
new Worker(guard, {
  eval: true,
  workerData: parentPid,
  resourceLimits: { maxOldGenerationSizeMb: 8, maxYoungGenerationSizeMb: 1 },
}).unref();

// Ctrl-C in a terminal, Ctrl-\\ and its closing go to the parent too, which answers what is in flight before it ends
// this process.
for (const signal of ["SIGINT", "SIGQUIT", "SIGHUP", "SIGTERM"]) process.on(signal, () => {});
process.on("disconnect", () => process.exit(0));

try {
  // A row that asks for gigabytes costs this process, not the server: the kernel takes the highest score first.
  writeFileSync("/proc/self/oom_score_adj", "1000");
} catch {
  // Linux only.
}

const runners: Runners = new Map();

process.on("message", (message: ToProcess) => answer(reply(message)));
answer({ result: undefined });

function reply(message: ToProcess): FromProcess {
  try {
    // A version to load comes as a message of its own.
    if ("task" in message) return { result: runTask(runners, message.task) as RunResult | NotLoaded };
    const runner = loadRunner(message.load);
    runners.set(message.load.key, runner);
    return { result: "notLoaded" in runner ? runner : undefined };
  } catch (error) {
    return { failed: (error as Error).message };
  }
}

function answer(message: FromProcess): void {
  // The parent is gone if it fails, and so is this process in a moment.
  process.send!(message, undefined, undefined, () => {});
}
