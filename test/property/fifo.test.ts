/** Goal: the queue does what a plain array with `push` and `shift` does, also where it gives memory back. */

import * as fc from "fast-check";
import { expect, test } from "vitest";
import { Fifo } from "../../server/inference/fifo.js";

type Model = { items: number[]; next: number };

class Push implements fc.Command<Model, Fifo<number>> {
  readonly #count: number;
  constructor(count: number) {
    this.#count = count;
  }
  check(): boolean {
    return true;
  }
  run(model: Model, fifo: Fifo<number>): void {
    for (let i = 0; i < this.#count; i++) {
      model.items.push(model.next);
      fifo.push(model.next++);
    }
    expect(fifo.length).toBe(model.items.length);
  }
  toString(): string {
    return `push ${this.#count}`;
  }
}

class Shift implements fc.Command<Model, Fifo<number>> {
  readonly #count: number;
  constructor(count: number) {
    this.#count = count;
  }
  check(): boolean {
    return true;
  }
  run(model: Model, fifo: Fifo<number>): void {
    const expected = Array.from({ length: this.#count }, (_, i) => model.items[i]);
    expect(
      expected
        .map(() => {
          const seen = fifo.peek();
          const first = fifo.shift();
          return seen === first ? first : "peek and shift differ";
        })
        .join(),
    ).toBe(expected.join());
    model.items.splice(0, this.#count);
    expect(fifo.length).toBe(model.items.length);
  }
  toString(): string {
    return `shift ${this.#count}`;
  }
}

class Walk implements fc.Command<Model, Fifo<number>> {
  check(): boolean {
    return true;
  }
  run(model: Model, fifo: Fifo<number>): void {
    expect([...fifo].join()).toBe(model.items.join());
  }
  toString(): string {
    return "walk";
  }
}

// Counts up to beyond the place where the front is given back.
const count = fc.oneof(
  { weight: 5, arbitrary: fc.integer({ min: 1, max: 5 }) },
  { weight: 1, arbitrary: fc.constantFrom(700, 1500, 2500) },
);

test("a queue under random pushes, shifts and walks equals a list", () => {
  const commands = fc.commands(
    [count.map((n) => new Push(n)), count.map((n) => new Shift(n)), fc.constant(new Walk())],
    { size: "+1" },
  );
  fc.assert(
    fc.property(commands, (steps) => {
      fc.modelRun(() => ({ model: { items: [], next: 0 }, real: new Fifo<number>() }), steps);
    }),
  );
});

test("a queue that never empties keeps its order", () => {
  const fifo = new Fifo<number>();
  for (let i = 0; i < 10; i++) fifo.push(i);
  const shifted: (number | undefined)[] = [];
  for (let i = 0; i < 20_000; i++) {
    fifo.push(i + 10);
    shifted.push(fifo.shift());
  }
  expect(shifted).toEqual(Array.from({ length: 20_000 }, (_, i) => i));
  expect(fifo.length).toBe(10);
});
