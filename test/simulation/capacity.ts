/**
 * How many calls a second can be answered at most, by the service model? The measure that goodput is held against.
 *
 * The workers run full batches all the time; the event loop decodes, replies, hands batches over, refuses what is sent
 * beyond, and runs the model itself in the rest of its time where it has a session and a row fits into a turn.
 */

import { defaultLoopCosts, defaultSloMs, type ServiceCost, type Setup, slowdownAt } from "./setup.js";

/** A row that takes longer isn't run on the event loop, where it would hold up everything else. */
const inlineRunUsMax = 500;
const batchRowsMax = 256;
/** A batch is at most so much of the objective: the calls behind it wait for its end and then for their own. */
const batchShareOfObjective = 0.25;

export interface CapacityQuestion {
  readonly lane: number;
  /** Rows of each call. */
  readonly rows?: number;
  /**
   * Calls per second that are sent; what can't be answered of them costs a refusal each. Default: just as many as can
   * be answered.
   */
  readonly offeredPerS?: number;
  readonly atS?: number;
}

/** Calls per second of a lane that has the machine for itself. */
export function capacityPerS(
  setup: Omit<Setup, "traffic" | "seed" | "untilS">,
  { lane: index, rows = 1, offeredPerS = 0, atS = 0 }: CapacityQuestion,
): number {
  const lane = setup.lanes[index]!;
  const { execution = "auto", workers = 1 } = setup;
  const loop = { ...defaultLoopCosts, ...setup.loop };
  // Taken as if all of them worked all the time.
  const machine = slowdownAt(setup.machine, atS) * (1 + (setup.contention ?? 0));
  const factor = machine * slowdownAt(lane.drift, atS);
  const runUsMax = (lane.sloMs ?? defaultSloMs) * 1000 * batchShareOfObjective;

  const poolBatch = batchOf(lane.pool, factor, runUsMax);
  const poolRows = execution === "inline" ? 0 : (workers * 1e6) / poolBatch.perRowUs;
  const wireUs = machine * (loop.decodeUs + loop.replyUs + (loop.decodeRowUs + loop.replyRowUs) * (rows - 1));
  const pooledUs = wireUs + (machine * loop.handOverUs * rows) / poolBatch.rows;
  const refuseUs = machine * loop.refuseUs;

  // Of a second of the loop, what is left once every call that is sent was refused; a call that is answered instead
  // costs the difference.
  const answers = (freeUs: number, refusalUs: number): number => {
    const pooled = Math.max(0, Math.min(poolRows / rows, freeUs / (pooledUs - refusalUs)));
    const inlined =
      inlineUs === undefined
        ? 0
        : Math.max(0, (freeUs - pooled * (pooledUs - refusalUs)) / (wireUs + inlineUs - refusalUs));
    return pooled + inlined;
  };
  const inlineUs = inlineRowUs(execution, lane.inline, factor);
  const alone = answers(1e6, 0);
  if (offeredPerS <= alone) return alone;
  return answers(1e6 - offeredPerS * refuseUs, Math.min(refuseUs, 0.9 * pooledUs));

  function inlineRowUs(how: string, cost: ServiceCost | undefined, slower: number): number | undefined {
    if (how === "pool" || cost === undefined) return undefined;
    if (how === "auto" && slower * (cost.fixedUs + cost.perRowUs) > inlineRunUsMax) return undefined;
    return rows * batchOf(cost, slower, inlineRunUsMax).perRowUs;
  }
}

/** The same, over a time in which costs change. */
export function meanCapacityPerS(setup: Setup, question: CapacityQuestion, fromS: number, untilS: number): number {
  const changes = [...(setup.machine ?? []), ...(setup.lanes[question.lane]!.drift ?? [])].map(({ fromS: atS }) => atS);
  const edges = [fromS, ...changes.filter((atS) => atS > fromS && atS < untilS).sort((a, b) => a - b), untilS];
  let calls = 0;
  for (let i = 0; i + 1 < edges.length; i++)
    calls += capacityPerS(setup, { ...question, atS: edges[i]! }) * (edges[i + 1]! - edges[i]!);
  return calls / (untilS - fromS);
}

/** The largest batch that ends within a time: its rows, and what each of them costs. */
function batchOf(
  { fixedUs, perRowUs }: ServiceCost,
  factor: number,
  runUsMax: number,
): { rows: number; perRowUs: number } {
  const rows = Math.max(1, Math.min(batchRowsMax, Math.floor((runUsMax / factor - fixedUs) / perRowUs)));
  return { rows, perRowUs: factor * (fixedUs / rows + perRowUs) };
}
