/** Goal: each door of the benchmark gets the same rows, of a bundle that is sound; its bars judge the right figures. */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { isMet } from "../../../../bench/bar.js";
import type { DoorsResult } from "../../../../bench/doors/doors.js";
import { inferRequest, tensorsInBytes, tensorsInJson, typedRequest } from "../../../../bench/doors/messages.js";
import { doorsBars, doorsText } from "../../../../bench/doors/report.js";
import { makeWideBundle, wideRow } from "../../../../bench/doors/wide-bundle.js";
import { readBundle } from "../../../../bundle/index.js";
import type { Columns } from "../../../../preprocessing/index.js";
import { openInferenceProto } from "../../../../server/protocol/open-inference/proto.js";
import { openInference } from "../../../../server/protocol/open-inference/protocol.js";
import type { Protocol } from "../../../../server/protocol/protocol.js";
import { typedProto } from "../../../../server/protocol/typed-proto/protocol.js";
import { createContract } from "../../../../server/versions/contract.js";

const store = mkdtempSync(join(tmpdir(), "plumb-wide-"));
beforeAll(() => makeWideBundle(store));
afterAll(() => rmSync(store, { recursive: true }));

test("the wide bundle is sound, and every door gets its rows", async () => {
  const contract = createContract(await readBundle(join(store, "wide", "1")));
  expect(contract.rowSchema.features).toHaveLength(64);
  const demand = '{"feature_search_interest": 61.25, "feature_price": 101.5, "feature_promo": 1}';
  const rows = [0.5, -2].map((value) => wideRow(demand, () => value));
  const columnsOf = (protocol: Protocol, body: Buffer, contentType: string, headers: Record<string, string> = {}) => {
    const head = { contentType, header: (name: string) => headers[name] ?? "" };
    const decoded = protocol.decode(body, head, contract).rows as Columns;
    return Object.fromEntries([...decoded.values].map(([name, column]) => [name, Array.from(column as Float64Array)]));
  };
  const expected = (of: readonly Record<string, number>[]) =>
    Object.fromEntries(Object.keys(of[0]!).map((name) => [name, of.map((row) => row[name])]));
  const binary = tensorsInBytes(rows);
  expect(columnsOf(openInference as Protocol, tensorsInJson(rows), "")).toEqual(expected(rows));
  expect(columnsOf(openInference as Protocol, binary.body, "", binary.headers)).toEqual(expected(rows));
  expect(columnsOf(typedProto as Protocol, typedRequest(rows), "application/proto")).toEqual(expected(rows));
  const one = inferRequest("wide", rows[0]!);
  expect(columnsOf(openInferenceProto as Protocol, one, "")).toEqual(expected(rows.slice(0, 1)));
});

test("the bars are ratios within a round", () => {
  const round = {
    oneRow: { predict: 100, tensors: 90, typed: 105 },
    manyRows: { predict: 10, binary: 60, typed: 40 },
    grpc: { infer: 7, echo: 10 },
    ranking: { contextMs: 3, repeatedMs: 4 },
  };
  const machine = { cpu: "A", cores: 2, memoryGB: 8, system: "linux", node: "v20", versions: {} };
  const result: DoorsResult = {
    finished: "2026-01-02T03:04:05.000Z",
    machine,
    rounds: 1,
    roundS: 1,
    results: [round],
    rankingBytes: 0.5,
  };
  expect(doorsBars(result).map(isMet)).toEqual([true, false, true, false, true, true, false]);
  expect(doorsText(result)).toContain("of a bare echo");
});
