/** Goal: recovery is the first moment from which a second's calls are normal, and not a lucky call. */

import { expect, test } from "vitest";
import { recoverySeconds } from "../../../../loadtest/overload/recovery.js";
import { calls, type Entry, ledgerOf } from "./ledgers.js";

const good = { tookMs: 20 };
const bad = { tookMs: 2, status: 503 };
const rule = { fromMs: 1000, untilMs: 6000, withinMs: 200 };

const cases: [string, Entry[], number | undefined][] = [
  ["normal all along", calls(0, 600, 10, good), 0],
  ["bad before the end of the overload only", [...calls(0, 100, 10, bad), ...calls(1000, 500, 10, good)], 0],
  ["bad for 2 s after it", [...calls(0, 300, 10, bad), ...calls(3000, 300, 10, good)], 1.99], // 1 bad call in 100 is normal
  [
    "a second with a late call in fifty",
    [...calls(0, 550, 20, good).map((call, i) => (i % 50 === 0 ? { ...call, tookMs: 300 } : call))],
    undefined,
  ],
  [
    "a lucky call among refusals",
    [...calls(1000, 200, 10, bad), { dueMs: 3000, ...good }, ...calls(3010, 299, 10, bad)],
    undefined,
  ],
  ["good for less than a second", [...calls(1000, 440, 10, bad), ...calls(5400, 60, 10, good)], undefined],
  ["no call at all after it", calls(0, 100, 10, good), undefined],
  ["the first call long after it", [...calls(4000, 200, 10, good)], 3.01],
];

test.each(cases)("%s", (_name, entries, expected) => {
  const seconds = recoverySeconds(ledgerOf(entries), rule);
  if (expected === undefined) expect(seconds).toBeUndefined();
  else expect(seconds).toBeCloseTo(expected, 6);
});

test("calls that were left out of the plan are not looked at", () => {
  const ledger = ledgerOf([...calls(1000, 150, 10, good), ...calls(2500, 100, 10, bad)]);
  ledger.leaveOut(150);
  expect(recoverySeconds(ledger, { ...rule, untilMs: ledger.lastDueMs() })).toBe(0);
});
