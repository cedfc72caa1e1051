/**
 * A worker in a process of its own, for versions whose runs may take any time and any memory: it can be killed in the
 * middle of a run.
 *
 * Its parent sends one message at a time: a version to load, or a task; each is answered once.
 */

import { endWithParent } from "./child-end.js";
import type { FromProcess, ToProcess } from "./process-pool.js";
import { loadRunner, type NotLoaded, type Runners, runTask } from "./run-task.js";
import type { RunResult } from "./runner.js";

endWithParent(Number(process.argv[2]));

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
