/** Goal: an observer of one's own reads each call's answer, whichever way it was answered, beside the server's own. */

import { expect, test } from "vitest";
import { PredictionCache } from "../../server/path/cache.js";
import { createPath } from "../../server/path/predict.js";
import { createHandPath } from "../support/hand-path.js";
import { makeVersion } from "../support/versions.js";
import { PredictionRange } from "./prediction-range.js";

test("an observer of one's own", async () => {
  const version = makeVersion();
  version.cache = new PredictionCache(version.contract, 10_000);
  const rig = createHandPath([version]);
  const lines: string[] = [];
  const range = new PredictionRange((line) => lines.push(line));
  const path = createPath({ ...rig.parts, observers: [...rig.parts.observers, range] });

  rig.send({ body: '{"x": 3}' }, path);
  rig.run([3]);
  // Answered by the cache, which an observer sees in the same way.
  rig.send({ body: '{"x": 3}' }, path);
  // A row that the model has no number for counts for nothing.
  rig.send({ body: '{"rows": [{"x": 1}, {"x": 9}, {"x": 5}], "partial": true}' }, path);
  rig.run([1, Number.NaN, 5]);
  const large = JSON.stringify({ rows: Array.from({ length: 5000 }, (_, x) => ({ x: -x })) });
  rig.send({ body: large }, path);
  rig.turns.untilQuiet();
  rig.run();
  rig.turns.untilQuiet();
  rig.send({ body: '{"x": "bad"}' }, path);

  expect(rig.observed.map(({ error, cached }) => [error?.code, cached])).toEqual([
    [undefined, false],
    [undefined, true],
    [undefined, false],
    [undefined, false],
    ["schema_mismatch", false],
  ]);
  expect(await range.close()).toBe(true);
  expect(lines).toEqual(["tiny/1: predictions from -4999 to 5"]);
});
