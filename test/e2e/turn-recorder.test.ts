/** Goal: the benchmark's recorder of turns sees what holds an event loop, and doesn't hold its process. */

import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { expect, test } from "vitest";
import type { Turns } from "../../bench/servers/turn-recorder.js";
import { freePorts, ServerProcess } from "../../scripts/server-process.mjs";

const recorder = pathToFileURL(
  join(import.meta.dirname, "..", "..", "dist", "bench", "servers", "turn-recorder.js"),
).href;

/** Uses the processor for 30 ms in one turn, tells it, and ends when it is told to. */
const program = `
process.once("SIGTERM", () => clearInterval(wait));
const wait = setInterval(() => {}, 60_000);
setImmediate(() => {
  const begun = process.cpuUsage();
  for (let used = 0; used < 30_000; ) {
    const { user, system } = process.cpuUsage(begun);
    used = user + system;
  }
  console.log("used");
});
`;

test("a turn that uses the processor for 30 ms is told once, and the process still ends", async () => {
  const [port] = (await freePorts(1)) as [number];
  const child = new ServerProcess([process.execPath, "--import", recorder, "-e", program], {
    env: { ...process.env, TURNS_PORT: String(port) },
  });
  try {
    await child.until(({ stdout }) => (stdout === "" ? undefined : stdout));
    const ask = async () => (await (await fetch(`http://127.0.0.1:${port}/`)).json()) as Turns;
    const first = await ask();
    expect(first.longestOfAllMs).toBeGreaterThan(20);
    const second = await ask();
    expect(second.count).toBeGreaterThan(0);
    expect(second.longestOfAllMs).toBeLessThan(first.longestOfAllMs);
  } finally {
    child.kill("SIGTERM");
  }
  expect(await child.ended).toEqual({ code: 0, signal: null });
});
