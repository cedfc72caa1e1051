/**
 * One request before the load, so that a wrong address or a refused row is a sentence and not a table full of errors.
 */

import { OptionError } from "../options.js";
import { type Target, targetUrl } from "../target.js";

/**
 * @returns The model that answered, as "name/version", where the answer names it.
 * @throws OptionError unless a row is answered with status 200 and a JSON object that holds a prediction.
 */
export async function preflight(target: Target, row: string): Promise<string | undefined> {
  const url = targetUrl(target);
  const reply = await fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: row,
    signal: AbortSignal.timeout(10_000),
  }).catch((reason: unknown) => {
    throw new OptionError(`--url: ${url} doesn't answer (${causeOf(reason)})`);
  });
  const text = await reply.text();
  if (reply.status !== 200)
    throw new OptionError(`--url: ${url} refuses a row with status ${reply.status}: ${text.slice(0, 300)}`);
  const answer = parseObject(text);
  if (answer === undefined || !("prediction" in answer)) {
    throw new OptionError(`--url: ${url} answers without a prediction: ${text.slice(0, 300)}`);
  }
  const { model, version } = answer;
  if (typeof model !== "string") return undefined;
  return version === undefined ? model : `${model}/${version}`;
}

function parseObject(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

function causeOf(reason: unknown): string {
  const { cause, message } = reason as Error & { cause?: NodeJS.ErrnoException };
  return cause?.code ?? cause?.message ?? message;
}
