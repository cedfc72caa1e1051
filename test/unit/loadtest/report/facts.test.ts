/** Goal: the command on a page repeats the run when it is pasted into a shell. */

import { expect, test } from "vitest";
import { commandText } from "../../../../loadtest/report/facts.js";

test.each([
  [[], "npm run loadtest"],
  [["--scenario", "sla", "--rate=100"], "npm run loadtest -- --scenario sla --rate=100"],
  [["--html", "page.html", "--rate", "100", "--json=x.json", "--compare", "y.json"], "npm run loadtest -- --rate 100"],
  [["--rows", "it's here/$HOME"], "npm run loadtest -- --rows 'it'\\''s here/$HOME'"],
])("%j", (args, expected) => expect(commandText(args)).toBe(expected));
