/**
 * Strings that reach a model as the caller sent them.
 *
 * ONNX Runtime cuts a string at NUL and replaces a lone surrogate by U+FFFD, both silently, so "a\0b" would be answered
 * as "a". JSON can carry either; neither is text.
 */

import * as z from "zod";

/** Node has had `isWellFormed` since version 20; the es2023 library doesn't describe it yet. */
interface WellFormed {
  isWellFormed(): boolean;
}

export function isPlainText(text: string): boolean {
  return (text as unknown as WellFormed).isWellFormed() && !text.includes("\0");
}

/** Length in code points, as JSON Schema counts `minLength` and `maxLength`. */
export function codePointCount(text: string): number {
  let count = 0;
  for (const _ of text) count++;
  return count;
}

/** The `format`s of schema.json: how each is checked, and what it is called. RFC 3339 for times, so with an offset. */
export const textFormats = {
  date: { pattern: z.regexes.date, words: "a date (as 2026-11-22)" },
  "date-time": {
    pattern: z.regexes.datetime({ offset: true }),
    words: "a time with its offset (as 2026-11-22T08:00:00Z)",
  },
  uuid: { pattern: z.regexes.guid, words: "a UUID" },
} as const;
