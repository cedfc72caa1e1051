/**
 * Orders to the store, for all serving processes: each follows the store by itself, so each is asked, and the answer is
 * the one that all give, or names the process that gives another.
 */

import { ServeError } from "../errors.js";
import type { OrderAnswer, StoreOrder } from "../transport/store-orders.js";
import type { ScanReport } from "../versions/version-control.js";
import type { Answer, Question } from "./messages.js";

/** As much as it needs of a serving process. */
export interface OrderedProcess {
  readonly place: number;
  ask(question: Question): Promise<Answer | undefined>;
}

interface Said extends OrderAnswer {
  readonly place: number;
  readonly error?: ServeError;
}

type IndexEntry = { readonly name: string; readonly version: string; readonly state: string; readonly reason: string };

/**
 * @param processes - Those that are ready.
 * @returns What they answer, once all have.
 * @throws {@link ServeError} as they do; not_ready where there is none, or one ends before it has answered.
 */
export async function orderAll(processes: readonly OrderedProcess[], order: StoreOrder): Promise<OrderAnswer> {
  if (processes.length === 0) throw new ServeError("not_ready", "no serving process is ready: see /processes");
  const said = await Promise.all(processes.map((process) => askOne(process, order)));
  const failed = said.find(({ status }) => status !== 200);
  if (failed !== undefined) return fail(failed, said);
  if (order.kind === "scan") return { status: 200, answer: mergeScans(said.map(({ answer }) => answer as ScanReport)) };
  if (order.kind === "index") return { status: 200, answer: mergeIndexes(said, order.readyOnly) };
  return { status: 200, answer: said[0]!.answer };
}

async function askOne(process: OrderedProcess, order: StoreOrder): Promise<Said> {
  const { place } = process;
  const answer = await process.ask({ kind: "order", order });
  if (answer?.kind === "ordered") return { place, status: answer.status, answer: JSON.parse(answer.json) };
  const error =
    answer?.kind === "refused"
      ? new ServeError(answer.code, answer.message)
      : new ServeError("not_ready", "it ended before it had answered: the one in its place reads the store anew");
  return { place, status: 0, answer: { code: error.code, message: error.message }, error };
}

/** @throws {@link ServeError} where that is what the process answers. */
function fail({ place, status, answer, error }: Said, said: readonly Said[]): OrderAnswer {
  const isOfAll = said.every((one) => one.status === status && JSON.stringify(one.answer) === JSON.stringify(answer));
  const done = said.filter((one) => one.status === 200).map((one) => one.place);
  const rest = done.length === 0 ? "" : `; it is done in serving process ${done.join(", ")}`;
  const words = (message: string) => (isOfAll ? message : `serving process ${place}: ${message}${rest}`);
  if (error !== undefined) throw isOfAll ? error : new ServeError(error.code, words(error.message));
  const { error: fault } = answer as { error: { message: string } };
  return { status, answer: { error: { ...fault, message: words(fault.message) } } };
}

/** Each looks by itself, so one may have found before what another finds now. */
function mergeScans(reports: readonly ScanReport[]): ScanReport {
  const problem = reports.find((report) => report.problem !== undefined)?.problem;
  return {
    models: Math.max(...reports.map(({ models }) => models)),
    versions: Math.max(...reports.map(({ versions }) => versions)),
    changes: distinct(reports.flatMap(({ changes }) => changes)),
    loading: distinct(reports.flatMap(({ loading }) => loading)),
    passed_over: distinct(reports.flatMap(({ passed_over }) => passed_over)),
    ...(problem !== undefined && { problem }),
  };
}

/** A version is ready where it is in all of them. */
function mergeIndexes(said: readonly Said[], readyOnly: boolean): IndexEntry[] {
  const versions = new Map<string, { place: number; entry: IndexEntry }[]>();
  for (const { place, answer } of said)
    for (const entry of answer as IndexEntry[]) {
      const key = `${entry.name}/${entry.version}`;
      versions.set(key, [...(versions.get(key) ?? []), { place, entry }]);
    }
  return [...versions.values()]
    .filter(({ length }) => !readyOnly || length === said.length)
    .map((all) => {
      const { place, entry } = all.find((one) => one.entry.state !== "READY") ?? all[0]!;
      if (all.every((one) => one.entry.state === entry.state)) return entry;
      return { ...entry, reason: `in serving process ${place}: ${entry.reason || entry.state}` };
    });
}

function distinct<T>(all: readonly T[]): T[] {
  return [...new Map(all.map((one) => [JSON.stringify(one), one])).values()];
}
