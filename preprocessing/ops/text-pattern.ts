/**
 * 1 where a text has something in it, else 0: a column for each text column and pattern. A missing text gives NaN.
 *
 * The named patterns are of ASCII only, mean the same in Python and JavaScript, and never search a part twice: a
 * pattern of the graph's own could mean two things, or keep the server busy for as long as a caller likes.
 */
import * as z from "zod";
import { closedObject, listOf } from "../closed-schema.js";
import { NumberColumn } from "../column.js";
import { oneOf } from "../graph-error.js";
import { defineOperator, textColumns } from "../operator.js";

/** As plumb_trainer/features/text.py has them. */
const named = {
  digit: /[0-9]/u,
  uppercase: /[A-Z]/u,
  lowercase: /[a-z]/u,
  space: /[ \t\n\r]/u,
  punctuation: /[!-/:-@[-`{-~]/u,
  non_ascii: /[^\p{ASCII}]/u,
  email: /[A-Za-z0-9._%+-]@[A-Za-z0-9-]+\.[A-Za-z]/u,
  url: /https?:\/\/[A-Za-z0-9]/u,
} as const;
const names = Object.keys(named) as [keyof typeof named, ...(keyof typeof named)[]];

const searched = z.string("a text").min(1, "a text that is not empty");
const expected = `${oneOf(names)}, or a text as {"contains": text} (or "starts_with", "ends_with")`;
const pattern = z.union(
  [
    z.enum(names),
    closedObject({ contains: searched }),
    closedObject({ starts_with: searched }),
    closedObject({ ends_with: searched }),
  ],
  expected,
);
const params = closedObject({ patterns: listOf(pattern, "patterns") });

type Pattern = z.output<typeof pattern>;

export const textPattern = defineOperator(params, (columns, { patterns }, { path, refusals }) => {
  const work = textColumns(columns, `${path}.inputs`).map(({ feature, values }) => ({
    feature,
    from: values,
    searches: patterns.map((each) => ({ has: planTest(each), output: new NumberColumn(feature) })),
  }));
  const targets = work.map(({ searches }) => searches.map(({ output }) => output.values));
  const step = (rowCount: number): void => {
    for (let index = 0; index < work.length; index++) {
      const { feature, from, searches } = work[index]!;
      for (let row = 0; row < rowCount; row++) {
        const text = from[row]!;
        if (typeof text !== "string" && text !== null) refusals.add(row, feature, "a text", text);
      }
      for (let at = 0; at < searches.length; at++) {
        const { has } = searches[at]!;
        const to = targets[index]![at]!;
        for (let row = 0; row < rowCount; row++) {
          const text = from[row]!;
          if (typeof text !== "string") to[row] = Number.NaN;
          else to[row] = has(text) ? 1 : 0;
        }
      }
    }
  };
  return { columns: work.flatMap(({ searches }) => searches.map(({ output }) => output)), step };
});

function planTest(pattern: Pattern): (text: string) => boolean {
  if (typeof pattern === "string") {
    const expression = named[pattern];
    return (text) => expression.test(text);
  }
  if ("contains" in pattern) return (text) => text.includes(pattern.contains);
  if ("starts_with" in pattern) return (text) => text.startsWith(pattern.starts_with);
  return (text) => text.endsWith(pattern.ends_with);
}
