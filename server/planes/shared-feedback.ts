/**
 * Feedback that came to a process which doesn't know the prediction: asked of the others, by way of the primary. Nobody
 * waits for more than a second, and no message is sent while too many are under way.
 */

import { type FeedbackItem, type FeedbackResult, knownResult } from "../release/experiment/feedback.js";
import type { Answer, FromServing, Question } from "./messages.js";

/** How long the others may take, milliseconds; a process waits a little longer for the primary. */
const othersMs = 800;
const primaryMs = 1000;
/** Requests of a process that are under way. */
const asksMax = 16;

/** A serving process's end: asks the primary. */
export class FeedbackAsker {
  readonly #send: (message: FromServing) => boolean;
  readonly #asked = new Map<number, (results: readonly FeedbackResult[] | undefined) => void>();
  #last = 0;

  /** @param send - Says whether the message is on its way. */
  constructor(send: (message: FromServing) => boolean) {
    this.#send = send;
  }

  /** @returns Undefined where there is no answer in time, or too much is asked already. */
  async ask(items: readonly FeedbackItem[]): Promise<readonly FeedbackResult[] | undefined> {
    if (this.#asked.size >= asksMax) return undefined;
    const ask = ++this.#last;
    return await new Promise((resolve) => {
      const settle = (results: readonly FeedbackResult[] | undefined) => {
        clearTimeout(timer);
        this.#asked.delete(ask);
        resolve(results?.length === items.length ? results : undefined);
      };
      const timer = setTimeout(settle, primaryMs, undefined);
      this.#asked.set(ask, settle);
      if (!this.#send({ kind: "ask_feedback", ask, items: [...items] })) settle(undefined);
    });
  }

  take(ask: number, results: readonly FeedbackResult[] | undefined): void {
    this.#asked.get(ask)?.(results);
  }
}

interface AskedProcess {
  ask(question: Question, timeoutMs: number): Promise<Answer | undefined>;
}

/**
 * The primary's end.
 *
 * @returns What the others know of each item; undefined where one of them doesn't answer, and so may know it.
 */
export async function askOthers(
  others: readonly AskedProcess[],
  items: readonly FeedbackItem[],
): Promise<FeedbackResult[] | undefined> {
  const said = await Promise.all(
    others.map((process) => process.ask({ kind: "feedback", items: [...items] }, othersMs)),
  );
  const answers = said.flatMap((answer) => (answer?.kind === "fed" ? [answer.results] : []));
  const results = items.map((_, index) => knownResult([...answers.map((one) => one[index]!), { status: "unknown" }]));
  const isWhole = answers.length === others.length || results.every(({ status }) => status !== "unknown");
  return isWhole ? results : undefined;
}
