/**
 * Goal: a body that isn't JSON is refused with the place of its fault, and with what to write instead where the mistake
 * is a common one.
 */

import { describe, expect, test } from "vitest";
import { takeWhole } from "../../../../../server/path/sliced-work.js";
import { findFault } from "../../../../../server/protocol/json/fault.js";

/** The fault stands where the mark is, which is no part of the text. */
const cases: [string, string, string | undefined][] = [
  ["NaN", '{"x": ^NaN}', "NaN is null in JSON"],
  ["NaN in a list", '{"x": [1, ^nan]}', "nan is null in JSON"],
  ["None", '{"x": ^None}', "None is null in JSON"],
  ["NA", '{"x": ^NA}', "NA is null in JSON"],
  ["undefined", '{"x": ^undefined}', "undefined is null in JSON"],
  ["NULL", '{"x": ^NULL}', "NULL is null in JSON"],
  ["True", '{"x": ^True}', "True is true in JSON"],
  ["FALSE", '{"x": ^FALSE}', "FALSE is false in JSON"],
  ["an infinity", '{"x": ^-Infinity}', "JSON has no infinity: a missing value is null"],
  ["Python's infinity", '{"x": ^inf}', "JSON has no infinity: a missing value is null"],
  ["a word", '{"x": ^blue}', "a string stands in double quotes in JSON"],
  ["a word that begins like one of JSON's", '{"x": ^nullable}', "a string stands in double quotes in JSON"],
  ["a form", "^value=1", undefined],
  ["single quotes for a value", `{"x": ^'a'}`, "JSON has double quotes only"],
  ["single quotes for a key", "{^'x': 1}", "JSON has double quotes only"],
  ["a key without quotes", "{^x: 1}", "a key stands in double quotes in JSON"],
  ["a comma behind the last member", '{"x": 1,^}', "JSON takes no comma behind the last item"],
  ["a comma behind the last item", '{"x": [1, ^]}', "JSON takes no comma behind the last item"],
  ["no comma between members", '{"x": 1 ^"y": 2}', "a comma stands between two items"],
  ["no comma between rows", '{"rows": [{"x": 1} ^{"x": 2}]}', "a comma stands between two items"],
  ["two commas", '{"x": [1,^,2]}', undefined],
  ["no colon", '{"x" ^1}', undefined],
  ["a comment before", '^// one\n{"x": 1}', "JSON has no comments"],
  ["a comment within", '{"x": 1 ^/* one */}', "JSON has no comments"],
  ["a comment behind", '{"x": 1} ^# one', "JSON has no comments"],
  ["JSON lines", '{"x": 1}\n^{"x": 2}', 'more text follows the first value; several rows go as {"rows": [...]}'],
  ["text behind", '{"x": 1} ^x', "more text follows the first value"],
  ["a leading zero", '{"x": 0^1}', "a number has no leading zeros in JSON"],
  ["a plus sign", '{"x": ^+1}', "a number has no plus sign in JSON"],
  ["no digit before the point", '{"x": ^.5}', "a number begins with a digit in JSON: 0.5"],
  ["no digit behind the point", '{"x": 1^.}', "a number is written like 12, 0.5 or 1e-3 in JSON"],
  ["a hexadecimal number", '{"x": 0^x10}', "a number is written like 12, 0.5 or 1e-3 in JSON"],
  ["groups of digits", '{"x": 1^_000}', "a number is written like 12, 0.5 or 1e-3 in JSON"],
  ["a line break in a string", '{"x": "a^\nb"}', "a line break in a string is written \\n in JSON"],
  ["a tab in a string", '{"x": "a^\tb"}', "a tab in a string is written \\t in JSON"],
  ["a NUL in a string", '{"x": "a^\0b"}', "a control character in a string is written like \\u0000 in JSON"],
  ["a path of Windows", '{"x": "C:\\^data"}', "a backslash is written \\\\ in JSON"],
  ["an escape of three digits", '{"x": "\\u12^"}', "\\u is followed by four hexadecimal digits in JSON"],
  ["UTF-16", '{^\0"\0x\0', "a NUL stands there: JSON is sent as UTF-8"],
  ["a byte order mark within", '{"x": ^\ufeff1}', undefined],
  ["a bracket of the other kind", '{"x": [1, 2^}}', undefined],
  ["a bracket too many", '{"x": 1}^}', "more text follows the first value"],
];

describe("the fault of", () => {
  test.each(cases)("%s", (_, marked, hint) => {
    const text = marked.replace("^", "");
    expect(() => JSON.parse(text)).toThrow();
    expect(takeWhole(findFault(text))).toEqual({ at: marked.indexOf("^"), hint });
  });

  test.each([
    "",
    "  \n",
    "{",
    '{"x"',
    '{"x":',
    '{"x": 1',
    '{"x": 1,',
    '{"x": [',
    '{"x": "a',
    '{"x": "a\\',
    '{"x": "\\u00',
    '{"x": tru'.slice(0, 5),
  ])("%j is that it ends", (text) => {
    expect(() => JSON.parse(text)).toThrow();
    expect(takeWhole(findFault(text))).toEqual({ at: "end", hint: undefined });
  });
});

test("a long text is read in slices", () => {
  const long = `{"x": [${Array(10_000).fill(1).join(",")}], "y": "${"a".repeat(200_000)}", "z": NaN}`;
  const work = findFault(long);
  let slices = 0;
  while (!work.next().done) slices++;
  expect(slices).toBeGreaterThan(10);
  expect(takeWhole(findFault(long))).toEqual({ at: long.indexOf("NaN"), hint: "NaN is null in JSON" });
});
