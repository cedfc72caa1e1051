/** Another run's percentiles, out of the file that its --json wrote. */

import { readFileSync } from "node:fs";
import { basename } from "node:path";
import { z } from "zod";
import { OptionError } from "../options.js";
import type { Comparison } from "./sla-page.js";

const otherReport = z.object({
  timeline: z.object({ percentiles: z.array(z.object({ percentile: z.number(), ms: z.number() })) }),
});

/** @throws OptionError where the file can't be read or isn't the report of an open-loop run. */
export function readComparison(file: string | undefined): Comparison | undefined {
  if (file === undefined) return undefined;
  const { data, error } = otherReport.safeParse(parsed(file));
  if (error) throw new OptionError(`--compare: ${file} is no report that --json wrote for the scenarios sla or smoke`);
  return { name: basename(file), percentiles: data.timeline.percentiles };
}

function parsed(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, "utf8"));
  } catch (reason) {
    throw new OptionError(`--compare: cannot read ${file} (${(reason as Error).message})`);
  }
}
