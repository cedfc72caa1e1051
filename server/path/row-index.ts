/**
 * Three ways to number the rows of a call. To the compiler they are three kinds of number: any number may become one,
 * and none is taken for another. At run time they are plain numbers.
 */

declare const numbered: unique symbol;

/** Among the rows that the caller sent. */
export type RequestRow = number & { readonly [numbered]?: "request" };
/** Among the rows of a call that run: all of them, or the good ones of a partial request. */
export type RunningRow = number & { readonly [numbered]?: "running" };
/** Among the rows of a batch, which may hold several calls, or a part of one. */
export type BatchRow = number & { readonly [numbered]?: "batch" };
