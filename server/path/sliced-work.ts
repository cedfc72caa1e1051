/**
 * Work in slices, for who makes it: a generator that yields after each slice. Who takes slices, and how many in a turn
 * of the event loop, is none of its business.
 */

/** Takes all slices at once, where nothing else waits for this thread. */
export function takeWhole<T>(work: Iterator<unknown, T>): T {
  for (;;) {
    const slice = work.next();
    if (slice.done) return slice.value;
  }
}

/** The slices of so many items: `first` to `end - 1`. */
export function* slicesOf(length: number, sliceLength: number): Generator<readonly [first: number, end: number], void> {
  for (let first = 0; first < length; first += sliceLength) yield [first, Math.min(first + sliceLength, length)];
}
