/** Without a usable Python, one line says what to install. */

import { expect, it } from "vitest";

const { whyNoPython } = (await import(new URL("../../../scripts/setup/python.mjs", import.meta.url).href)) as {
  whyNoPython(seen: readonly { candidate: string; version: string }[], who?: string): string;
};

it.each([
  ["none at all", [], "the trainer needs Python 3.11 or newer, and none was found"],
  [
    "too old",
    [{ candidate: "python3", version: "3.9" }],
    "the trainer needs Python 3.11 or newer, and none was found (python3 is 3.9)",
  ],
  [
    "new enough, but without venv, as Debian packs it",
    [
      { candidate: "python3", version: "3.9" },
      { candidate: "python3.12", version: "3.12" },
    ],
    "python3.12 (Python 3.12) lacks venv or ensurepip: install them (Debian, Ubuntu: apt install python3.12-venv)",
  ],
])("%s", (_, seen, expected) => expect(whyNoPython(seen)).toBe(expected));

it("names who needs it", () =>
  expect(whyNoPython([], "a peer in Python")).toMatch(/^a peer in Python needs Python 3\.11 or newer/));
