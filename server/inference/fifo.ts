/** A first-in first-out queue whose ends cost no copying: an array, and where in it the items are. */

/** A larger array isn't kept for a queue that is empty, or that has most of it behind it. */
const keptMax = 1024;

export class Fifo<T> {
  #items: (T | undefined)[] = [];
  #head = 0;
  #end = 0;

  get length(): number {
    return this.#end - this.#head;
  }

  push(item: T): void {
    this.#items[this.#end++] = item;
  }

  /** The oldest item; undefined if there is none. */
  peek(): T | undefined {
    return this.#head === this.#end ? undefined : this.#items[this.#head];
  }

  shift(): T | undefined {
    if (this.#head === this.#end) return undefined;
    const item = this.#items[this.#head];
    this.#items[this.#head++] = undefined;
    if (this.#head === this.#end) {
      // To shorten an array, and let it grow again, costs more than the rest of a short queue.
      if (this.#items.length > keptMax) this.#items = [];
      this.#head = 0;
      this.#end = 0;
    } else if (this.#head > keptMax && this.#head * 2 > this.#end) {
      this.#items = this.#items.slice(this.#head, this.#end);
      this.#end -= this.#head;
      this.#head = 0;
    }
    return item;
  }

  *[Symbol.iterator](): IterableIterator<T> {
    for (let i = this.#head; i < this.#end; i++) yield this.#items[i]!;
  }
}
