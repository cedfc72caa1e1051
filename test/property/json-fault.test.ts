/** Goal: a text that isn't JSON is said to break where the parser breaks, and nothing of it is repeated. */

import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { takeWhole } from "../../server/path/sliced-work.js";
import { findFault } from "../../server/protocol/json/fault.js";

describe("a text that isn't JSON", () => {
  const piece = fc.constantFrom(
    ...[
      "{",
      "}",
      "[",
      "]",
      ":",
      ",",
      " ",
      '"a"',
      '"b":1',
      "1",
      "-1.5e3",
      "01",
      "1.",
      "tru",
      "true",
      "null",
      "NaN",
      "\n",
      '"',
      "\\",
      "\u0001",
      "\ufeff",
    ],
  );
  const soup = fc.array(piece, { maxLength: 12 }).map((pieces) => pieces.join(""));

  // V8 says where it stopped, in some of its messages: within a word or number, we say where that begins.
  test("has its fault where the parser stops, or at the beginning of the word there", () => {
    fc.assert(
      fc.property(soup, (broken) => {
        const message = syntaxError(broken);
        if (message === undefined) return;
        const { at } = takeWhole(findFault(broken));
        const ours = at === "end" ? broken.length : at;
        const position =
          /at position (\d+)/.exec(message)?.[1] ?? (message.startsWith("Unexpected end") ? broken.length : undefined);
        if (position === undefined) return;
        expect(ours).toBeLessThanOrEqual(Number(position));
        expect(broken.slice(ours, Number(position))).toMatch(/^[-+.\w]*$/);
      }),
      { numRuns: 5000 },
    );
  });

  test("is never repeated by what is said of it", () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(..."zqZQ{}[]:,'\"\\ \n#") }), (broken) => {
        const { hint = "" } = takeWhole(findFault(broken));
        expect(hint).not.toMatch(/z|Z|Q/);
      }),
    );
  });
});

function syntaxError(text: string): string | undefined {
  try {
    JSON.parse(text);
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}
