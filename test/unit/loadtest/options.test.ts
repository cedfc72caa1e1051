/** Goal: whatever is wrong with a command line, the message names the flag. */

import { describe, expect, test } from "vitest";
import { choiceFlag, type Flags, flagsHelp, numberFlag, parseFlags } from "../../../loadtest/options.js";

const flags: Flags = { rate: { value: "N", help: "rows per second" }, quick: { help: "shorter" } };

describe("flags", () => {
  test("are read with their values", () => {
    expect(parseFlags(["--rate", "5", "--quick"], flags)).toEqual(
      new Map([
        ["rate", "5"],
        ["quick", "true"],
      ]),
    );
    expect(parseFlags(["--rate=7"], flags).get("rate")).toBe("7");
    expect(parseFlags(["--help"], flags).has("help")).toBe(true);
  });

  test.each([
    [["--speed", "5"], /--speed/],
    [["--rate"], /--rate/],
    [["--quick=5"], /--quick/],
    [["fast"], /fast/],
  ])("%j is refused", (args, message) => {
    expect(() => parseFlags(args, flags)).toThrow(message);
  });

  test("appear in the help", () => {
    expect(flagsHelp(flags)).toBe("  --rate N  rows per second\n  --quick   shorter");
  });
});

describe("numbers", () => {
  const bounds = { min: 1, max: 10, integer: true };
  const read = (text: string) => numberFlag(new Map([["rate", text]]), "rate", 3, bounds);

  test("are read, or taken from the default", () => {
    expect(read("7")).toBe(7);
    expect(numberFlag(new Map(), "rate", 3, bounds)).toBe(3);
  });

  test.each(["0", "11", "1.5", "abc", "", " ", "NaN", "Infinity"])("%j is refused", (text) => {
    expect(() => read(text)).toThrow(`--rate: expected a whole number from 1 to 10, got ${JSON.stringify(text)}`);
  });

  test("without an upper bound name the lower one", () => {
    expect(() => numberFlag(new Map([["seed", "-1"]]), "seed", 1, { min: 0 })).toThrow(
      '--seed: expected a number of at least 0, got "-1"',
    );
  });
});

test("a choice is one of the known words", () => {
  expect(choiceFlag(new Map([["arrivals", "even"]]), "arrivals", ["poisson", "even"], "poisson")).toBe("even");
  expect(choiceFlag(new Map(), "arrivals", ["poisson", "even"], "poisson")).toBe("poisson");
  expect(() => choiceFlag(new Map([["arrivals", "odd"]]), "arrivals", ["poisson", "even"], "poisson")).toThrow(
    '--arrivals: expected one of poisson, even, got "odd"',
  );
});
