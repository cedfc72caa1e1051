/** Goal: what a version keeps and what answers in its stead know rows as such, however they came. */

import { expect, test } from "vitest";
import { PredictionCache } from "../../../../server/path/cache.js";
import { columnFile } from "../../../examples/column-file.js";
import { createHandPath } from "../../../support/hand-path.js";
import { linearRule } from "../../../support/tiny-bundle.js";
import { makeVersion, sizeAndColour } from "../../../support/versions.js";

/** The reply's text is told by its record, since its bytes are the protocol's. */
function askColumns(rig: ReturnType<typeof createHandPath>, text: object, numbers: readonly number[]) {
  const head = Buffer.from(JSON.stringify(text));
  const { call } = rig.send({
    protocol: { ...columnFile, encode: () => ({ body: "{}", contentType: "", headers: [] }) },
    body: Buffer.concat([head, Buffer.from(Float64Array.from(numbers).buffer)]),
    contentType: "application/x-column-file",
    headers: { "x-text-bytes": String(head.length) },
  });
  return call;
}

test("an answer that is kept for a row is found for the same row among columns, and the other way", () => {
  const version = makeVersion(sizeAndColour);
  version.cache = new PredictionCache(version, 10_000);
  const rig = createHandPath([version]);
  rig.send({ body: '{"rows": [{"size": 0, "colour": "red"}, {"colour": "blue", "size": 2}]}' });
  rig.run([10, 20]);
  const columns = [{ name: "colour", values: ["blue", "red"] }, { name: "size" }];
  const both = askColumns(rig, { rows: 2, columns }, [2, 0]);
  expect([both.cached, both.answer?.predictions]).toEqual([true, [20, 10]]);
  // Minus zero is another row.
  const other = askColumns(rig, { rows: 1, columns: [{ name: "colour", values: ["red"] }, { name: "size" }] }, [-0]);
  expect(other.cached).toBe(false);
  rig.run([30]);
  const { call } = rig.send({ body: '{"size": -0, "colour": "red"}' });
  expect([call.cached, call.answer?.predictions]).toEqual([true, [30]]);
});

test.each([
  ["in one go", 3],
  ["in slices", 3000],
])("a rule answers for columns as for rows, %s", (_, rowCount) => {
  const fallback = linearRule({ feature: "x", coef: 2, intercept: 1 });
  const rig = createHandPath([makeVersion({ fallback })]);
  const numbers = Array.from({ length: rowCount }, (_, i) => i / 4);
  const call = askColumns(rig, { rows: rowCount, columns: [{ name: "x" }] }, numbers);
  rig.turns.untilQuiet();
  rig.path.giveUp(call);
  rig.turns.untilQuiet();
  expect([call.finished, call.fallback]).toEqual([true, "deadline_exceeded"]);
  expect(call.answer?.predictions).toEqual(numbers.map((x) => 2 * x + 1));
});
