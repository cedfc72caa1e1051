/**
 * Goal: nothing is compared in time that doesn't answer alike; and a peer's process that fails or ends is told, not
 * waited for.
 */

import { PassThrough } from "node:stream";
import { expect, test } from "vitest";
import { LineTalk } from "../../../../bench/engines/python-engines.js";
import { firstDifferent, furthestApart } from "../../../../bench/engines/same-rows.js";

test("two blocks are the same by their bits", () => {
  expect(firstDifferent(Float32Array.of(1, Number.NaN), Float32Array.of(1, Number.NaN))).toBeUndefined();
  expect(firstDifferent(Float32Array.of(1, -0), Float32Array.of(1, 0))).toBe("value 2: expected 0, got -0");
  expect(firstDifferent(Float32Array.of(1), Float32Array.of(1, 2))).toBe("expected 2 values, got 1");
});

test.each([
  [[1, 2], [1, 4], 0.5],
  [[0, 0], [0, 0], 0],
  [[1], [1, 2], Number.NaN],
  [[Number.NaN], [1], Number.NaN],
])("%j is from %j as far as %d", (got, expected, apart) => {
  expect(furthestApart(Float64Array.from(got), Float64Array.from(expected))).toBe(apart);
});

test("a line there is a line back, in order", async () => {
  const [to, from] = [new PassThrough(), new PassThrough()];
  const talk = new LineTalk(to, from);
  const first = talk.ask({ do: "versions" });
  from.write('{"versions":{"a":"1"}}\n{"usPerRow":2}\n');
  expect(await first).toEqual({ versions: { a: "1" } });
  expect(await talk.ask({ do: "time" })).toEqual({ usPerRow: 2 });
  expect(to.read()?.toString()).toBe('{"do":"versions"}\n{"do":"time"}\n');
});

test("what the other side can't do is an error in its words, and so is its end", async () => {
  const from = new PassThrough();
  const talk = new LineTalk(new PassThrough(), from);
  from.write('{"error":"ValueError: no such model"}\n');
  await expect(talk.ask({ do: "load" })).rejects.toThrow("ValueError: no such model");
  expect(talk.ended).toBe(false);
  from.end();
  await expect(talk.ask({ do: "time" })).rejects.toThrow(/ended before it answered/);
  expect(talk.ended).toBe(true);
});
