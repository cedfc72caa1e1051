/** Feedback as callers send it: one item, or a list of them; and what is answered to each. */

import { z } from "zod";
import { ServeError } from "../../errors.js";

/** Items of one request. */
export const itemsMax = 1000;

const text = z.string().min(1).max(1024);

/** `request_id` and `row`, or `key`; and an outcome, a value, or both. */
export const feedbackItemSchema = z
  .strictObject({
    request_id: text.optional(),
    row: z.number().int().nonnegative().optional(),
    key: text.optional(),
    model: text.optional(),
    outcome: z.union([z.string().max(1024), z.number(), z.boolean()]).optional(),
    value: z.number().optional(),
    /** When it came about: milliseconds since 1970, or ISO 8601. */
    time: z.union([z.number(), z.iso.datetime({ offset: true })]).optional(),
  })
  .refine(({ request_id, key }) => (request_id === undefined) !== (key === undefined), {
    message: "expected either request_id or key",
  })
  .refine(({ row, key }) => row === undefined || key === undefined, { message: "row: a key has no rows" })
  .refine(({ outcome, value }) => outcome !== undefined || value !== undefined, {
    message: "expected an outcome or a value",
  });

export type FeedbackItem = z.output<typeof feedbackItemSchema>;

export const feedbackStatuses = ["accepted", "unknown", "duplicate", "invalid"] as const;

export const feedbackResultSchema = z.strictObject({
  status: z.enum(feedbackStatuses),
  detail: z.string().optional(),
});
export type FeedbackResult = z.output<typeof feedbackResultSchema>;

/** @returns Items; in the place of each that is none, why. @throws {@link ServeError} invalid_request. */
export function parseFeedback(json: unknown): readonly (FeedbackItem | FeedbackResult)[] {
  const list = Array.isArray(json) ? json : [json];
  if (list.length > itemsMax)
    throw new ServeError("invalid_request", `feedback: expected at most ${itemsMax} items, got ${list.length}`);
  return list.map((one) => {
    const parsed = feedbackItemSchema.safeParse(one);
    if (parsed.success) return parsed.data;
    const { path, message } = parsed.error.issues[0]!;
    const where = path.length === 0 ? "" : `${path.map(String).join(".")}: `;
    return { status: "invalid", detail: `${where}${message}` };
  });
}

export function isResult(one: FeedbackItem | FeedbackResult): one is FeedbackResult {
  return "status" in one;
}

/** An item that was asked of several processes: what the one says that knows it. */
export function knownResult(results: readonly FeedbackResult[]): FeedbackResult {
  return results.find(({ status }) => status !== "unknown") ?? results[0]!;
}
