/** Goal: callers who are refused together share one error, and none is told what was true long ago. */

import { expect, test } from "vitest";
import { ServeError } from "../../../../server/errors.js";
import { Refusals } from "../../../../server/inference/refusals.js";

test("one error is made for 5 ms of refusals, then a new one", () => {
  const refusals = new Refusals();
  const made: ServeError[] = [];
  const take = (nowMs: number) =>
    made.indexOf(
      refusals.take(nowMs, () => {
        const error = new ServeError("overloaded", `as of ${nowMs}`);
        made.push(error);
        return error;
      }),
    );
  expect([0, 1, 4.9, 5, 9.9, 10, 500].map(take)).toEqual([0, 0, 0, 1, 1, 2, 3]);
  expect(made.map(({ message }) => message)).toEqual(["as of 0", "as of 5", "as of 10", "as of 500"]);
});

test("a queue's refusals are its own", () => {
  const make = () => new ServeError("overloaded", "later");
  expect(new Refusals().take(0, make)).not.toBe(new Refusals().take(0, make));
});
