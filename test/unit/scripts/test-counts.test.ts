/** The closing line of `npm test` never reads better than the run was. */

import { describe, expect, it } from "vitest";

interface Count {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}
const { closingLine, countPytest, countVitest, namePytestFailures, nameVitestFailures } = (await import(
  new URL("../../../scripts/test-counts.mjs", import.meta.url).href
)) as {
  closingLine(counts: readonly Count[]): string;
  countPytest(report: string | undefined, code: number): Count;
  countVitest(report: string | undefined, code: number): Count;
  namePytestFailures(report: string | undefined): string[];
  nameVitestFailures(report: string | undefined): string[];
};

function vitestReport({
  passed = 0,
  failed = 0,
  pending = 0,
  todo = 0,
  files = [] as { status: string; tests: string[] }[],
}): string {
  return JSON.stringify({
    numPassedTests: passed,
    numFailedTests: failed,
    numPendingTests: pending,
    numTodoTests: todo,
    testResults: files.map(({ status, tests }) => ({
      status,
      assertionResults: tests.map((test) => ({ status: test })),
    })),
  });
}

describe("vitest's report", () => {
  it.each<[string, string | undefined, number, Count]>([
    [
      "all passed",
      vitestReport({ passed: 3, files: [{ status: "passed", tests: ["passed"] }] }),
      0,
      { passed: 3, failed: 0, skipped: 0 },
    ],
    [
      "one failed",
      vitestReport({ passed: 2, failed: 1, files: [{ status: "failed", tests: ["failed"] }] }),
      1,
      { passed: 2, failed: 1, skipped: 0 },
    ],
    ["some were skipped", vitestReport({ passed: 2, pending: 1, todo: 2 }), 0, { passed: 2, failed: 0, skipped: 3 }],
    [
      "a file could not be imported",
      vitestReport({ passed: 2, files: [{ status: "failed", tests: [] }] }),
      1,
      { passed: 2, failed: 1, skipped: 0 },
    ],
    ["an error outside the tests", vitestReport({ passed: 2 }), 1, { passed: 2, failed: 1, skipped: 0 }],
    ["no report", undefined, 1, { passed: 0, failed: 1, skipped: 0 }],
  ])("%s", (_, report, code, expected) => expect(countVitest(report, code)).toEqual(expected));
});

describe("pytest's report", () => {
  const suite = (attributes: string) =>
    `<?xml version="1.0"?><testsuites name="x"><testsuite name="pytest" ${attributes} time="1.5"></testsuite></testsuites>`;
  it.each<[string, string | undefined, number, Count]>([
    ["all passed", suite('errors="0" failures="0" skipped="0" tests="4"'), 0, { passed: 4, failed: 0, skipped: 0 }],
    [
      "failures and errors",
      suite('errors="1" failures="2" skipped="1" tests="9"'),
      1,
      { passed: 5, failed: 3, skipped: 1 },
    ],
    [
      "no test was found",
      suite('errors="0" failures="0" skipped="0" tests="0"'),
      5,
      { passed: 0, failed: 1, skipped: 0 },
    ],
    ["no report", undefined, 2, { passed: 0, failed: 1, skipped: 0 }],
  ])("%s", (_, report, code, expected) => expect(countPytest(report, code)).toEqual(expected));
});

describe("what failed is named", () => {
  it("by vitest's report: each test, each file that could not be run", () => {
    const test = { status: "failed", fullName: "answers", failureMessages: ["expected 1 to be 2\n at there"] };
    const testResults = [
      { name: "a.test.ts", status: "failed", assertionResults: [test, { status: "passed" }] },
      { name: "b.test.ts", status: "failed", message: "no such module\n at here", assertionResults: [] },
      { name: "c.test.ts", status: "passed", assertionResults: [] },
    ];
    expect(nameVitestFailures(JSON.stringify({ testResults }))).toEqual([
      "a.test.ts: answers: expected 1 to be 2",
      "b.test.ts: no such module",
    ]);
  });
  it("by pytest's report", () => {
    const report = `<testsuite><testcase classname="tests.test_a" name="holds" time="0.1"><failure message="assert 1 == 2&#10;why">
</failure></testcase><testcase classname="tests.test_a" name="passes" time="0.1" /></testsuite>`;
    expect(namePytestFailures(report)).toEqual(["tests.test_a: holds: assert 1 == 2"]);
  });
  it("as the missing report", () => {
    expect([nameVitestFailures(undefined), namePytestFailures(undefined)].flat()).toEqual([
      "vitest wrote no report",
      "pytest wrote no report",
    ]);
  });
});

describe("the closing line", () => {
  it("sums both languages", () => {
    expect(
      closingLine([
        { passed: 2, failed: 0, skipped: 0 },
        { passed: 3, failed: 1, skipped: 0 },
      ]),
    ).toBe("tests: 5 passed, 1 failed");
  });
  it("names skipped tests only where there are some", () => {
    expect(
      closingLine([
        { passed: 2, failed: 0, skipped: 1 },
        { passed: 0, failed: 0, skipped: 2 },
      ]),
    ).toBe("tests: 2 passed, 0 failed, 3 skipped");
  });
});
