/** Goal: a row's number among some rows isn't taken for its number among others: the compiler sees to it. */

import { expect, test } from "vitest";
import type { BatchRow, RequestRow, RunningRow } from "../../../../server/path/row-index.js";

test("numbers of different rows don't mix", () => {
  const request: RequestRow = 3;
  // @ts-expect-error
  const running: RunningRow = request;
  // @ts-expect-error
  const batch: BatchRow = running;
  expect(batch).toBe(3);
});
