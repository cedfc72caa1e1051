/** Before servers are compared: do they do the same work? */

import { type Target, targetUrl } from "../loadtest/target.js";

// Each side prints a float32 in its own way, so the numbers are compared as float32.
const answerOf = async (target: Target, body: string): Promise<number> => {
  const reply = await fetch(targetUrl(target), {
    method: "POST",
    headers: { "content-type": "application/json" },
    body,
  });
  const text = await reply.text();
  if (reply.status !== 200)
    throw new Error(`${targetUrl(target)} refuses ${body} with status ${reply.status}: ${text.slice(0, 300)}`);
  return Math.fround((JSON.parse(text) as { prediction: number }).prediction);
};

/** @throws Error that names the first row which the two answer differently. */
export async function checkSameAnswers(ours: Target, theirs: Target, rows: readonly string[]): Promise<void> {
  for (const row of rows) {
    const [a, b] = await Promise.all([answerOf(ours, row), answerOf(theirs, row)]);
    if (a !== b)
      throw new Error(`the servers answer ${row} differently (${a} and ${b}): comparing them would mean nothing`);
  }
}
