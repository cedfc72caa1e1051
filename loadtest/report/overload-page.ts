/** The page of an overload run. */

import type { OverloadReport } from "../overload/run-overload.js";
import type { RunFacts } from "./facts.js";
import { pageHtml } from "./page.js";

export function overloadPage(report: OverloadReport, facts: RunFacts): string {
  return pageHtml({
    title: "Overload",
    subtitle: "",
    passed: report.passed,
    verdict: "",
    reasons: report.failures,
    figures: [],
    parts: [],
    facts: [],
    command: facts.command,
    reading: [],
    table: undefined,
    data: { ...report, facts },
  });
}
