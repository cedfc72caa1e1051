/**
 * Events in the order of their times; those of one instant in the order in which they were added, so that a run can be
 * repeated.
 */

export interface Event {
  readonly atMs: number;
  /** Place among the events of one instant. */
  readonly order: number;
  readonly run: () => void;
  /** Settles a promise: what waits for it runs before the next event, as between two callbacks of Node. */
  readonly settles: boolean;
}

/** A binary heap. */
export class EventQueue {
  readonly #heap: Event[] = [];
  #added = 0;

  get length(): number {
    return this.#heap.length;
  }

  /** Time of the first event; infinite if there is none. */
  get nextMs(): number {
    return this.#heap[0]?.atMs ?? Number.POSITIVE_INFINITY;
  }

  add(atMs: number, run: () => void, settles = false): void {
    const event = { atMs, order: this.#added++, run, settles };
    const heap = this.#heap;
    let index = heap.length;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (!isBefore(event, heap[parent]!)) break;
      heap[index] = heap[parent]!;
      index = parent;
    }
    heap[index] = event;
  }

  /** Takes the first event; there must be one. */
  take(): Event {
    const heap = this.#heap;
    const first = heap[0]!;
    const last = heap.pop()!;
    if (heap.length === 0) return first;
    let index = 0;
    for (;;) {
      let child = 2 * index + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child++;
      if (!isBefore(heap[child]!, last)) break;
      heap[index] = heap[child]!;
      index = child;
    }
    heap[index] = last;
    return first;
  }
}

function isBefore(a: Event, b: Event): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);
}
