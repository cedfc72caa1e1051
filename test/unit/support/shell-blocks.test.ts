/** The reader of the pages' commands finds them all, and sees a difference where there is one. */

import { expect, it } from "vitest";
import { difference, shellBlocks } from "../../support/shell-blocks.js";

const page = `# A page

\`\`\`sh
first
\`\`\`

\`\`\`json
{ "a": 1 }
\`\`\`

\`\`\`sh
second \\
  part
\`\`\`

Text between.

\`\`\`text
not an output
\`\`\`

<!-- not run: needs something -->
\`\`\`sh
third
\`\`\`
`;

it("finds commands, their outputs, and what isn't run", () => {
  expect(shellBlocks(page)).toEqual([
    { line: 4, script: "first", notRun: undefined, expected: { language: "json", text: '{ "a": 1 }\n' } },
    { line: 12, script: "second \\\n  part", notRun: undefined, expected: undefined },
    { line: 24, script: "third", notRun: "needs something", expected: undefined },
  ]);
});

it.each([
  ["json", '{"a": 1, "b": [1, "..."], "c": "row ...: bad"}', '{"b":[1,{"x":2}],"a":1,"c":"row 3: bad"}'],
  ["text", "first\n...\nlast ... word\n", "first\n1\n2\nlast good word\n"],
  ["text", "all of it\n...\n", "all of it\nand more"],
] as const)("takes %s %s for %s", (language, text, actual) =>
  expect(difference({ language, text }, actual)).toBeUndefined(),
);

it.each([
  ["json", '{"a": 1}', '{"a":2}'],
  ["json", '{"a": 1}', '{"a":1,"b":2}'],
  ["json", '{"a": 1, "b": 2}', '{"a":1}'],
  ["json", '{"a": [1, 2]}', '{"a":[1]}'],
  ["json", '{"a": []}', '{"a":{}}'],
  ["json", '{"a": 0}', '{"a":-0}'],
  ["json", '{"a": "x..."}', '{"a":"y"}'],
  ["json", '{"a": 1}', "not json"],
  ["text", "first\nlast", "first\nmiddle\nlast"],
  ["text", "a.c", "abc"],
] as const)("doesn't take %s %s for %s", (language, text, actual) =>
  expect(difference({ language, text }, actual)).toBeTypeOf("string"),
);
