/**
 * Goal: whatever becomes of a message on its way, in any protocol, it is answered or refused as the caller's fault:
 * never with a fault of the server, an exception, or memory that stays taken.
 *
 * Real messages are broken, decoded, validated, preprocessed and encoded by the path that serves, in this process.
 */

import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { createRandom } from "../../loadtest/random.js";
import type { Row } from "../../preprocessing/index.js";
import { errorTable, type ServeError } from "../../server/errors.js";
import { createLocalPath, localCall, type RunBatch } from "../../server/path/local-path.js";
import { openInferenceProto } from "../../server/protocol/open-inference/proto.js";
import type { Encoded, Protocol } from "../../server/protocol/protocol.js";
import { everyType } from "../contract/protocol/every-type.js";
import type { Request } from "../contract/protocol/member.js";
import { members } from "../contract/protocol/members.js";
import { mutate } from "../support/mutate.js";
import { makeMessage } from "../support/open-inference.js";
import { tensorsOfRows } from "../support/row-tensors.js";
import { binaryGraph, makeVersion } from "../support/versions.js";

const version = makeVersion({
  ...everyType,
  postprocessing: binaryGraph(["no", "yes"]),
  task: "classification",
});
const { features } = version.rowSchema;
const good: readonly Row[] = [
  { size: 1.5, count: 3, open: true, colour: "red", sold: [1, 2] },
  { size: -0, count: null, colour: "blue" },
  { size: 5e-324, count: 2 ** 53 - 1, open: false, colour: "blue", sold: [0.1, 7] },
];
const many = (rowCount: number): Row[] => Array.from({ length: rowCount }, (_, row) => good[row % good.length]!);
/** The last is large enough for slices. */
const rowCounts = [1, 2, 3, 7, 900];

const runBatch: RunBatch = (_, rowCount) => ({ raw: [new Float32Array(rowCount).fill(0.5)], failedRows: [] }) as never;

interface Door {
  readonly name: string;
  readonly protocol: Protocol;
  /** Messages that are answered. */
  readonly messages: readonly Request[];
}

const written = members.map(({ protocol, takesPartial, write }) => ({
  name: protocol.name,
  protocol,
  messages: [false, takesPartial].flatMap((partial) =>
    rowCounts.map((rowCount) => write(many(rowCount), features, { partial, probabilities: true })),
  ),
}));
const door = (name: string) => written.find((one) => one.name === name)!;
const json = (body: unknown): Request => ({
  body: Buffer.from(JSON.stringify(body)),
  contentType: "application/json",
  headers: {},
});
const csv = (rowCount: number): Request => ({
  body: Buffer.from(`size,count,open,colour\n${'1.5,3,true,red\n-2,,,"blue"\n'.repeat(rowCount)}`),
  contentType: "text/csv",
  headers: {},
});
const split = features.filter(({ type }) => type !== "array").map(({ name }) => name);

const doors: readonly Door[] = [
  ...written,
  {
    name: "open-inference in JSON",
    protocol: door("open-inference").protocol,
    messages: rowCounts.map((rowCount) => ({
      body: makeMessage(tensorsOfRows(features, many(rowCount), "json"), { id: "id-1" }).body,
      contentType: "application/json",
      headers: {},
    })),
  },
  {
    name: "open-inference by gRPC",
    protocol: openInferenceProto,
    messages: door("open-inference-connect-proto").messages,
  },
  {
    name: "predict-json with a context and fields",
    protocol: door("predict-json").protocol,
    messages: [
      json(many(3)),
      json({ context: { size: 1, colour: "red" }, rows: [{ count: 1 }, { count: 2, sold: [3] }], fields: ["top:1"] }),
      json({ rows: many(2), fields: ["prediction", "probabilities.yes"], partial: true }),
    ],
  },
  {
    name: "kserve-v1 by columns",
    protocol: door("kserve-v1").protocol,
    messages: [
      json({ inputs: { size: [1, 2], count: [3, 4], colour: ["red", "blue"] } }),
      json({ instances: many(2) }),
    ],
  },
  {
    name: "CSV",
    protocol: door("invocations").protocol,
    messages: [csv(1), csv(3), csv(600)],
  },
  {
    name: "dataframes",
    protocol: door("invocations").protocol,
    messages: [
      json({ dataframe_records: many(3) }),
      json({ dataframe_split: { columns: split, data: [[1, 2, true, "red"]], index: [0] } }),
      json({ instances: many(2) }),
      json({ inputs: { size: [1], count: [2], colour: ["red"] } }),
    ],
  },
];

/** @returns The status that it is answered by. */
function ask(protocol: Protocol, { body, contentType, headers }: Request): number {
  let reply: Encoded | undefined;
  let error: ServeError | undefined;
  const head = { contentType, header: (name: string) => headers[name] ?? "" };
  const taking = { send: (sent: Encoded) => (reply = sent), refuse: (why: ServeError) => (error = why) };
  const call = localCall(taking, "id-1", body, protocol, head);
  call.bodyBytes = body.length;
  createLocalPath(version, runBatch).predict(call);
  if (error !== undefined) {
    const refusal = protocol.refuse(error, "id-1");
    if (refusal.body.length === 0) throw new Error("a refusal without a word");
    return Math.max(errorTable[error.code].http, refusal.status);
  }
  if (reply === undefined) throw new Error("neither answered nor refused");
  return 200;
}

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;
function heapMb(): number {
  collect();
  return process.memoryUsage().heapUsed / 2 ** 20;
}

/** Some thousand in all among the other tests; `npm run fuzz` says how many a protocol. */
const asked = process.env.FUZZ_MESSAGES;
const numRuns = Number(asked ?? 200);

test.each(doors.map((one) => [one.name, one] as const))(
  "%s: a broken message is answered or refused as the caller's fault",
  { timeout: 60_000 + 50 * numRuns },
  (_, { protocol, messages }) => {
    for (const message of messages) expect(ask(protocol, message)).toBe(200);
    const beforeMb = heapMb();
    const statuses = new Map<number, number>();
    fc.assert(
      fc.property(fc.integer(), (seed) => {
        const random = createRandom(seed).uniform;
        // Of the large ones few: they take a hundred times as long.
        const message = messages[Math.floor(random() * (messages.length - (random() < 0.99 ? 1 : 0)))]!;
        const head = { ...message.headers };
        for (const name of Object.keys(head))
          if (random() < 0.05) head[name] = String(mutate(Buffer.from(head[name]!), random));
        const status = ask(protocol, { ...message, headers: head, body: mutate(message.body, random) });
        statuses.set(status, (statuses.get(status) ?? 0) + 1);
        expect(status).toBeLessThan(500);
      }),
      { numRuns },
    );
    // Changes are neither so coarse that nothing gets past the reader, nor so fine that nothing is wrong.
    const answered = statuses.get(200) ?? 0;
    if (asked !== undefined) expect(answered).toBeGreaterThan(numRuns / 200);
    expect(numRuns - answered).toBeGreaterThan(numRuns / 10);
    expect(heapMb() - beforeMb).toBeLessThan(16);
  },
);
