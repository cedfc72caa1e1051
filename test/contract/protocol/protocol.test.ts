/**
 * The contract of a protocol: the same rows get the same bits, in the same places, whoever asks how; what is wrong is
 * refused in the same words; and nothing that comes breaks it.
 */

import * as fc from "fast-check";
import { describe, expect, test, vi } from "vitest";
import type { Row } from "../../../preprocessing/index.js";
import { type ErrorCode, errorTable, ServeError } from "../../../server/errors.js";
import type { Call } from "../../../server/path/call.js";
import { createLocalPath, localCall, type RunBatch } from "../../../server/path/local-path.js";
import { takeWhole } from "../../../server/path/sliced-work.js";
import type { Encoded } from "../../../server/protocol/protocol.js";
import type { Servable } from "../../../server/versions/servable.js";
import { columnsOf } from "../../support/columns-of.js";
import { binaryGraph, makeVersion, namedGraph, type VersionOptions } from "../../support/versions.js";
import { everyType } from "./every-type.js";
import type { Answered, ProtocolMember, Request } from "./member.js";
import { members } from "./members.js";

const good: readonly Row[] = [
  { size: 1.5, count: 3, open: true, colour: "red", sold: [1, 2] },
  { size: -0, count: null, colour: "blue" },
  // Lists of one length, since tensors have no others.
  { size: 5e-324, count: 2 ** 53 - 1, open: false, colour: "blue", sold: [0.1, -0] },
];
/** Twice, and of the features' types: not every protocol can say anything else. */
const bad: Row = { size: -11, count: 1, colour: "too long a name" };
const refused: Row = { size: 1, count: 1, colour: "green" };
const many = (rowCount: number): Row[] => Array.from({ length: rowCount }, (_, i) => good[i % good.length]!);

/** Of each row alone, and so that a bit of its block shows. */
const runBatch: RunBatch = (blocks, rowCount) => {
  const width = blocks[0]!.length / rowCount;
  const numbers = Array.from({ length: rowCount }, (_, row) =>
    [...blocks[0]!.subarray(row * width, (row + 1) * width)].reduce(
      (sum, x) => (Number.isNaN(x) ? sum * 1.25 : sum + x),
      -0,
    ),
  );
  return { raw: [Float32Array.from(numbers)], failedRows: [] } as never;
};
/** No number for the rows that are listed. */
const runWithout =
  (unanswered: readonly number[]): RunBatch =>
  (blocks, rowCount) => {
    const result = runBatch(blocks, rowCount) as { raw: Float32Array[] };
    for (const row of unanswered) result.raw[0]![row] = Number.NaN;
    return result as never;
  };

interface Outcome {
  readonly call: Call;
  readonly reply: Encoded | undefined;
  readonly error: ServeError | undefined;
}

function ask(
  member: ProtocolMember,
  version: Servable,
  { body, contentType, headers }: Request,
  run = runBatch,
): Outcome {
  let reply: Encoded | undefined;
  let error: ServeError | undefined;
  const head = { contentType, header: (name: string) => headers[name] ?? "" };
  const taking = { send: (sent: Encoded) => (reply = sent), refuse: (why: ServeError) => (error = why) };
  const call = localCall(taking, "id-1", body, member.protocol, head);
  // So that a large one goes in slices, where the protocol has them.
  call.bodyBytes = body.length;
  createLocalPath(version, run).predict(call);
  return { call, reply, error };
}

describe.each(members.map((member) => [member.protocol.name, member] as const))("%s", (_, member) => {
  const { protocol } = member;
  const send = (version: Servable, rows: readonly Row[], partial = false, run = runBatch) =>
    ask(member, version, writeRows(version, rows, partial), run);
  const writeRows = (version: Servable, rows: readonly Row[], partial: boolean) =>
    member.write(rows, version.rowSchema.features, {
      partial,
      probabilities: version.postprocessor.hasProbabilities,
    });
  function answer(version: Servable, rows: readonly Row[], partial = false, run = runBatch): Answered {
    const { reply, error } = send(version, rows, partial, run);
    if (reply === undefined) throw error;
    return member.read(reply);
  }
  /** What the model and the graph behind it make of rows, without a protocol. */
  function expected(version: Servable, rows: readonly Row[], run = runBatch) {
    const block = new Float64Array(rows.length * 6);
    expect(version.preprocessor.run(rows, [block])).toEqual([]);
    const { raw } = run([block], rows.length) as { raw: Float32Array[] };
    const { predictions, probabilities } = version.postprocessor.run(raw, 0, rows.length);
    const width = version.postprocessor.labels?.length ?? 0;
    const ofRow = (row: number) => [...probabilities!.subarray(row * width, (row + 1) * width)];
    return { predictions, probabilities: probabilities && rows.map((_, row) => ofRow(row)) };
  }

  const versions: Record<string, VersionOptions> = {
    "a number": everyType,
    "a label, with probabilities": { ...everyType, postprocessing: binaryGraph(["no", "yes"]), task: "classification" },
  };

  describe.each(Object.entries(versions))("%s", (_, options) => {
    test.each([1, 2, 7, 1000])("is answered to each of %i rows in its place, to the bit", (rowCount) => {
      const version = makeVersion(options);
      const rows = many(rowCount);
      expect(answer(version, rows)).toMatchObject({
        ...expected(version, rows),
        ...(!member.answersAlone && { model: version.name, version: version.number, requestId: "id-1" }),
        rowErrors: [],
        fallback: undefined,
      });
    });

    test.each([7, 1000])("is answered to the good ones of %i rows, and each other one has its error", (rowCount) => {
      if (!member.takesPartial) return;
      const version = makeVersion(options);
      const rows = many(rowCount);
      rows[1] = bad;
      rows[4] = refused;
      const running = rows.filter((row) => row !== bad && row !== refused);
      // The row behind them.
      const { predictions, probabilities } = expected(version, running);
      const spread = <T>(values: readonly T[] | undefined) =>
        values &&
        rows.map((_, row) => ([1, 4, 5].includes(row) ? null : values[row - (row > 4 ? 2 : row > 1 ? 1 : 0)]));
      const got = answer(version, rows, true, runWithout([3]));
      expect(got.predictions).toEqual(spread(predictions));
      expect(got.probabilities).toEqual(spread(probabilities));
      expect(got.rowErrors).toEqual([
        [1, "schema_mismatch"],
        [4, "row_refused"],
        [5, "model_output_invalid"],
      ]);
    });
  });

  test("several numbers are answered as a list", () => {
    const version = makeVersion({ ...everyType, postprocessing: namedGraph(["low", "high"]) });
    const run: RunBatch = (_blocks, rowCount) =>
      ({ raw: [Float32Array.from({ length: 2 * rowCount }, (_, i) => i / 3 - 0)], failedRows: [] }) as never;
    const { predictions } = answer(version, many(3), false, run);
    expect(predictions).toEqual([0, 2, 4].map((i) => [Math.fround(i / 3), Math.fround((i + 1) / 3)]));
  });

  test.each<[string, Row]>([
    ["breaks the schema", bad],
    ["the pipeline refuses", refused],
  ])("a row that %s is refused in the words that say it of any row", (_, row) => {
    const version = makeVersion(everyType);
    const rows = [...many(2), row];
    const { error, reply } = send(version, rows);
    expect(reply).toBeUndefined();
    const [json] = members;
    const said = ask(json!, version, json!.write(rows, version.rowSchema.features, { partial: false })).error!;
    expect([error!.code, error!.message, error!.issues]).toEqual([said.code, said.message, said.issues]);
    expect(said.issues!.length).toBeGreaterThan(0);
  });

  test("a row that lacks what is required is refused, and what may be absent may be", () => {
    const version = makeVersion(everyType);
    const { colour: _, ...rest } = good[0]!;
    expect(send(version, [good[0]!, rest]).error).toMatchObject({ code: "schema_mismatch", issues: [{ row: 1 }] });
    expect(send(version, [{ size: 1, count: null, colour: "red" }]).error).toBeUndefined();
  });

  test("more rows than the bundle allows are refused", () => {
    const version = makeVersion({ ...everyType, rowsMax: 6 });
    expect(send(version, many(6)).error).toBeUndefined();
    expect(send(version, many(7)).error).toMatchObject({ code: "too_many_rows" });
  });

  test("what the body was is kept by copy: its bytes are somebody else's when decode has returned", () => {
    const version = makeVersion(everyType);
    const { body, contentType, headers } = member.write(many(5), version.rowSchema.features, { partial: true });
    const head = { contentType, header: (name: string) => headers[name] ?? "" };
    const request = protocol.decode(body, head, version);
    const before = structuredClone(request);
    body.fill(0xff);
    expect(request).toMatchObject({ rows: before.rows, partial: member.takesPartial });
  });

  test("a large body and its answer are the same in slices", () => {
    const { sliced } = protocol;
    if (sliced === undefined) return;
    const version = makeVersion(everyType);
    const { body, contentType, headers } = member.write(many(1500), version.rowSchema.features, { partial: false });
    const head = { contentType, header: (name: string) => headers[name] ?? "" };
    expect(takeWhole(sliced.decode(body, head, version))).toEqual(protocol.decode(body, head, version));
    const { call, reply } = send(version, many(1500));
    const frame = protocol.frame(version);
    const { pieces, contentType: type, headers: fields } = sliced.encode(frame, call, call.answer!, 100);
    const whole = Buffer.concat(pieces.map((write) => Buffer.from(write())));
    expect([type, fields, whole.toString("hex")]).toEqual([
      reply!.contentType,
      reply!.headers,
      Buffer.from(reply!.body).toString("hex"),
    ]);
    const plain = protocol.encode(frame, call, call.answer!);
    expect(Buffer.from(plain.body).equals(Buffer.from(reply!.body))).toBe(true);
  });

  test("what is the same in each reply of a version is made once", () => {
    const version = makeVersion(everyType);
    const frame = vi.spyOn(protocol, "frame");
    for (let i = 0; i < 3; i++) answer(version, many(2));
    expect(frame).toHaveBeenCalledTimes(1);
    answer(makeVersion(everyType), many(2));
    expect(frame).toHaveBeenCalledTimes(2);
    frame.mockRestore();
  });

  test("an answer of the fallback says so, and so does one with some rows of it", () => {
    const version = makeVersion({ ...everyType, fallback: { kind: "constant", prediction: 52.5 } });
    const { predictions, fallback } = answer(version, many(3), false, runWithout([1]));
    expect(predictions[1]).toBe(52.5);
    if (!member.answersAlone) expect(fallback).toBe("model_output_invalid");
    expect(predictions[0]).toEqual(expected(version, many(1)).predictions[0]);
  });

  test("an error has a status of the table, its message, and nothing of what caused it", () => {
    // Connect has statuses of its own.
    const statuses = new Set<number>([429, 501, ...Object.values(errorTable).map(({ http }) => http)]);
    for (const code of Object.keys(errorTable) as ErrorCode[]) {
      const reply = protocol.refuse(
        new ServeError(code, `what "${code}" says`, { cause: new Error("secret") }),
        "id-1",
      );
      expect(statuses).toContain(reply.status);
      expect(member.readError(reply)).toBe(`what "${code}" says`);
      expect(reply.body.toString()).not.toContain("secret");
      expect(reply.headers.length % 2).toBe(0);
      expect([reply.contentType, ...reply.headers].join("")).not.toMatch(/[\r\n]/);
    }
  });

  test("bytes of any kind are a request or an error of the table, and a request has rows", () => {
    const version = makeVersion({ ...everyType, rowsMax: 20 });
    const sound = member.write(many(3), version.rowSchema.features, { partial: true });
    const damage = fc.array(fc.tuple(fc.nat(sound.body.length - 1), fc.nat(255)), { maxLength: 3 });
    const bodies = fc.oneof(
      fc.uint8Array({ maxLength: 60 }),
      damage.map((bytes) => {
        const body = Uint8Array.from(sound.body);
        for (const [at, byte] of bytes) body[at] = byte;
        return body;
      }),
      fc.nat(sound.body.length).map((length) => Uint8Array.from(sound.body.subarray(0, length))),
    );
    const fields = fc.record({
      contentType: fc.constantFrom(sound.contentType, sound.contentType, "", "text/plain"),
      number: fc.option(fc.constantFrom("", "0", "-1", "1e3", "x", "5", String(sound.body.length + 1))),
    });
    fc.assert(
      fc.property(bodies, fields, (bytes, { contentType, number }) => {
        const headers =
          number === null ? sound.headers : Object.fromEntries(protocol.headers.map((name) => [name, number]));
        const { error, reply, call } = ask(member, version, { body: Buffer.from(bytes), contentType, headers });
        if (error === undefined) {
          expect(call.rows.length).toBeGreaterThan(0);
          expect(call.rows.length).toBeLessThanOrEqual(20);
          member.read(reply!);
        } else expect(error.code).not.toBe("internal");
      }),
      { numRuns: 300 },
    );
  });
});

test("each has a name of its own, of harmless characters", () => {
  const names = members.map(({ protocol }) => protocol.name);
  expect(new Set(names).size).toBe(names.length);
  for (const name of names) expect(name).toMatch(/^[a-z][a-z0-9-]{0,30}$/);
});

test("the rows of the suite are good ones, as objects and as columns", () => {
  const { rowSchema } = makeVersion(everyType);
  expect(good.map((row) => rowSchema.accepts(row))).toEqual([true, true, true]);
  expect(rowSchema.acceptsColumns(columnsOf(rowSchema.features, good), 0, 3)).toBe(true);
});
