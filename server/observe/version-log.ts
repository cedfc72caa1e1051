/** Lines of the log about versions: which engine runs their models, and runs that didn't end. */

import type { StuckRun } from "../inference/worker-slots.js";
import type { ListedVersion } from "../versions/registry.js";
import type { Servable } from "../versions/servable.js";
import type { Logs } from "./logs.js";

type EventLog = Pick<Logs, "event">;

/** @param way - What ran it. */
export function logStuckRun(
  logs: EventLog,
  { rowCount, ranMs }: StuckRun,
  way: "thread" | "process",
  version: ListedVersion | undefined,
): void {
  const fields = { model: version?.name, version: version?.number, rows: rowCount, ran_ms: Math.round(ranMs) };
  const what =
    way === "process"
      ? "its process was killed and is replaced; if it happens again, take the version back"
      : "its thread was written off and is replaced, but holds a processor until the run ends: restart the server soon, and take the version back";
  logs.event("error", `a run didn't end: ${what}`, fields);
}

export function logEngines(logs: EventLog, { name, number, engines }: Servable): void {
  for (const { model, engine, reason, differed } of engines) {
    const fields = { model: name, version: number, part: model, reason };
    logs.event(differed ? "error" : "info", `engine: ${engine}`, fields);
  }
}
