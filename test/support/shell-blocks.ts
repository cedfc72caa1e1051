/** Shell commands in a Markdown page, and the output that the page says they have. */

export interface ShellBlock {
  /** Line of the page on which the commands begin, from 1. */
  readonly line: number;
  readonly script: string;
  /** Why the page says that it isn't run: `<!-- not run: ... -->` on the line above. */
  readonly notRun: string | undefined;
  /** The block that follows with nothing between but empty lines, if it is output. */
  readonly expected: { readonly language: "json" | "text"; readonly text: string } | undefined;
}

export function shellBlocks(page: string): ShellBlock[] {
  const blocks: ShellBlock[] = [];
  const pattern = /(?:<!-- not run: ([^>]*) -->\n)?^```sh\n([\s\S]*?)^```\n(?:\n*^```(json|text)\n([\s\S]*?)^```$)?/gm;
  for (const { 0: whole, index, 1: notRun, 2: script, 3: language, 4: text } of page.matchAll(pattern)) {
    const line = page.slice(0, index + whole.indexOf("```sh\n")).split("\n").length + 1;
    const expected = language === undefined ? undefined : { language: language as "json" | "text", text: text! };
    blocks.push({ line, script: script!.trimEnd(), notRun, expected });
  }
  return blocks;
}

/**
 * Compares an output with what a page shows.
 *
 * `...` stands for anything: in a text for the rest of a line, alone on a line for any lines, in JSON inside a string
 * or, as the string `"..."`, for any value. Everything else is meant as it stands, in JSON whatever the layout.
 *
 * @returns Where they differ, in words; undefined if they don't.
 */
export function difference(expected: NonNullable<ShellBlock["expected"]>, actual: string): string | undefined {
  if (expected.language === "json") {
    try {
      return jsonDifference(JSON.parse(expected.text), JSON.parse(actual), "$");
    } catch (error) {
      return `${(error as Error).message}: ${actual.slice(0, 200)}`;
    }
  }
  const pattern = expected.text
    .trimEnd()
    .split("\n")
    .map((line) => (line.trim() === "..." ? "[^]*" : wildcard(line.trimEnd())))
    .join("\\n");
  return new RegExp(`^${pattern}$`).test(actual.trimEnd()) ? undefined : `expected\n${expected.text}\ngot\n${actual}`;
}

function jsonDifference(expected: unknown, actual: unknown, path: string): string | undefined {
  if (expected === "...") return undefined;
  if (typeof expected === "string" && typeof actual === "string" && new RegExp(`^${wildcard(expected)}$`).test(actual))
    return undefined;
  const bothContainers =
    isContainer(expected) && isContainer(actual) && Array.isArray(expected) === Array.isArray(actual);
  if (!bothContainers)
    return Object.is(expected, actual)
      ? undefined
      : `${path}: expected ${JSON.stringify(expected)}, got ${JSON.stringify(actual)}`;
  const keys = new Set([...Object.keys(expected), ...Object.keys(actual)]);
  for (const key of keys) {
    if (!(key in expected)) return `${path}.${key}: not expected, got ${JSON.stringify(actual[key])}`;
    if (!(key in actual)) return `${path}.${key}: is missing`;
    const found = jsonDifference(expected[key], actual[key], `${path}.${key}`);
    if (found !== undefined) return found;
  }
  return undefined;
}

function isContainer(value: unknown): value is Record<string, unknown> {
  return value !== null && typeof value === "object";
}

function wildcard(text: string): string {
  return text
    .split("...")
    .map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"))
    .join(".*");
}
