import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Fifo } from "../../../../server/inference/fifo.js";

describe("a first-in first-out queue", () => {
  it("does what an array does, of which items are taken from the front", () => {
    const steps = fc.array(fc.record({ push: fc.nat(3000), shift: fc.nat(3000) }), { maxLength: 12 });
    fc.assert(
      fc.property(steps, (steps) => {
        const fifo = new Fifo<number>();
        let model: number[] = [];
        let next = 0;
        for (const { push, shift } of steps) {
          for (let i = 0; i < push; i++) {
            fifo.push(next);
            model.push(next++);
          }
          const taken = model.slice(0, shift);
          model = model.slice(shift);
          expect(Array.from({ length: taken.length }, () => fifo.shift())).toEqual(taken);
          if (taken.length < shift) expect(fifo.shift()).toBeUndefined();
          expect(fifo.length).toBe(model.length);
          expect(fifo.peek()).toBe(model[0]);
          expect([...fifo]).toEqual(model);
        }
      }),
      { numRuns: 60 },
    );
  });
});
