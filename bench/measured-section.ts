/** Sections of docs/benchmarks.md that a benchmark writes: what stands between two marks. */

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { projectRoot } from "../loadtest/project.js";

export interface SectionMarks {
  readonly begin: string;
  readonly end: string;
}

export const serverMarks = marksOf("bench", "npm run bench -- --write-docs");
export const engineMarks = marksOf("engines", "npm run bench -- --engine --write-docs");
export const doorMarks = marksOf("doors", "npm run bench -- --doors --write-docs");

/**
 * @param page - A page with both marks.
 * @returns The page with everything between the marks replaced by `section`.
 * @throws Error if a mark is missing.
 */
export function replaceMeasured(page: string, { begin, end }: SectionMarks, section: string): string {
  const [from, to] = [page.indexOf(begin), page.indexOf(end)];
  if (from < 0 || to < from) throw new Error(`the page needs the marks ${begin} and ${end}, in this order`);
  return `${page.slice(0, from + begin.length)}\n\n${section}\n\n${page.slice(to)}`;
}

export function writeToDocs(marks: SectionMarks, section: string): void {
  const page = join(projectRoot, "docs", "benchmarks.md");
  writeFileSync(page, replaceMeasured(readFileSync(page, "utf8"), marks, section));
}

function marksOf(name: string, command: string): SectionMarks {
  return { begin: `<!-- ${name}:begin (written by \`${command}\`) -->`, end: `<!-- ${name}:end -->` };
}
