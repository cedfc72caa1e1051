/** What the two test runners report, counted alike. */

/**
 * @param report - Text of vitest's JSON report; undefined when it wrote none.
 * @param code - Vitest's exit code.
 * @returns How many tests passed, failed and were skipped. A file that could not be run counts as one failed test, and
 *   so does a run that failed although no test did (an unhandled rejection, no report).
 */
export function countVitest(report, code) {
  if (report === undefined) return { passed: 0, failed: 1, skipped: 0 };
  const { numPassedTests, numFailedTests, numPendingTests, numTodoTests, testResults } = JSON.parse(report);
  const brokenFiles = testResults.filter(
    (file) => file.status === "failed" && !file.assertionResults.some((test) => test.status === "failed"),
  ).length;
  return withExitCode(
    { passed: numPassedTests, failed: numFailedTests + brokenFiles, skipped: numPendingTests + numTodoTests },
    code,
  );
}

/**
 * @param report - Text of pytest's JUnit report; undefined when it wrote none.
 * @param code - Pytest's exit code, which is not zero either when it found no test.
 */
export function countPytest(report, code) {
  const suite = report?.match(/<testsuite [^>]*>/)?.[0];
  if (!suite) return { passed: 0, failed: 1, skipped: 0 };
  const value = (name) => Number(suite.match(new RegExp(` ${name}="(\\d+)"`))?.[1] ?? 0);
  const failed = value("failures") + value("errors");
  return withExitCode({ passed: value("tests") - failed - value("skipped"), failed, skipped: value("skipped") }, code);
}

/**
 * @param report - As of {@link countVitest}.
 * @returns A line for each failed test and each file that could not be run: where, and the first line of why.
 */
export function nameVitestFailures(report) {
  if (report === undefined) return ["vitest wrote no report"];
  return JSON.parse(report).testResults.flatMap(({ name, status, message, assertionResults }) => {
    const failed = assertionResults.filter((test) => test.status === "failed");
    if (failed.length === 0) return status === "failed" ? [`${name}: ${firstLine(message)}`] : [];
    return failed.map((test) => `${name}: ${test.fullName}: ${firstLine(test.failureMessages?.[0])}`);
  });
}

/** @param report - As of {@link countPytest}. */
export function namePytestFailures(report) {
  if (report === undefined) return ["pytest wrote no report"];
  const cases = report.matchAll(
    /<testcase classname="([^"]*)" name="([^"]*)"[^>]*>\s*<(?:failure|error) message="([^"]*)"/g,
  );
  return [...cases].map(([, file, test, message]) => `${file}: ${test}: ${firstLine(message.replace(/&#10;/g, "\n"))}`);
}

function firstLine(text = "") {
  return text.split("\n", 1)[0].slice(0, 300);
}

function withExitCode(count, code) {
  return code !== 0 && count.failed === 0 ? { ...count, failed: 1 } : count;
}

/** @returns `tests: N passed, N failed`, with `, N skipped` only where some were. */
export function closingLine(counts) {
  const sum = (key) => counts.reduce((total, count) => total + count[key], 0);
  const skipped = sum("skipped");
  return `tests: ${sum("passed")} passed, ${sum("failed")} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`;
}
