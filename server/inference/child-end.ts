/**
 * For the beginning of a child process: it ends with its parent, not before it, and goes first where memory is short.
 *
 * When the channel to the parent closes, the process ends. Since native code may hold its thread for ever, a second
 * thread looks whether the parent is still there.
 */

import { writeFileSync } from "node:fs";
import { Worker } from "node:worker_threads";

/** Looks once a second. It must not need the main thread for anything. */
const guard = `
  const { workerData } = require("node:worker_threads");
  setInterval(() => {
    if (process.ppid !== workerData) process.kill(process.pid, "SIGKILL");
  }, 1000);
`;

export function endWithParent(parentPid: number): void {
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
}
