/**
 * Goal: what any engine owes the server: a row's numbers to the last bit whatever batch it is in, outputs that belong
 * to the caller, and an error, never a crash or a guess, for whatever it can't do. An engine joins by standing in the
 * list, with a table of its own.
 */

import { afterEach, describe, expect, test } from "vitest";
import type { EngineModel, EngineSession } from "../../server/inference/engine.js";
import { type EngineMember, f32, f64 } from "./engines/case.js";
import { onnxruntimeMember } from "./engines/onnxruntime.cases.js";
import { treeMember } from "./engines/tree.cases.js";

const members: readonly (EngineMember & { name: string })[] = [onnxruntimeMember, treeMember].map((member) => ({
  ...member,
  name: member.engine.name,
}));

test("engines have names of their own", () => {
  expect(new Set(members.map(({ name }) => name)).size).toBe(members.length);
});

describe.each(members)("the engine $name", ({ engine, plain, other, cases, unloadable, failingRuns }) => {
  const open: EngineSession[] = [];
  afterEach(() => {
    for (const session of open.splice(0)) session.release();
  });

  function load(model: EngineModel): EngineSession {
    const session = engine.load(model);
    open.push(session);
    return session;
  }
  /** What it answers for one value, in a session of its own. */
  const alone = (model: EngineModel, value: number): number => load(model).run([f32(value)], 1)[0]![0]!;

  test("has a name that can stand in a metric", () => {
    expect(engine.name).toMatch(/^[a-z][a-z0-9-]*$/);
  });

  test.each(cases)("runs $name", ({ model, rows, blocks, answers }) => {
    const before = blocks.map((block) => block.slice());
    expect(load(model).run(blocks, rows)).toEqual(answers);
    expect(blocks).toEqual(before);
  });

  test.each(cases)("runs each row of $name by itself as together", ({ model, rows, blocks, answers }) => {
    const session = load(model);
    for (let row = 0; row < rows; row++) {
      const one = <T extends { slice(from: number, to: number): T; length: number }>(block: T) =>
        block.slice((row * block.length) / rows, ((row + 1) * block.length) / rows);
      expect(session.run(blocks.map(one), 1)).toEqual(answers.map(one));
    }
  });

  test.each([1, 2, 7, 64, 256, 1000])("answers each of %i rows as it answers it alone", (rowCount) => {
    const session = load(plain);
    const block = Float32Array.from({ length: rowCount }, (_, row) => 40 * Math.sin(row));
    const [together] = session.run([block], rowCount);
    const single = Float32Array.from(block, (_, row) => session.run([block.slice(row, row + 1)], 1)[0]![0]!);
    expect(together).toEqual(single);
    expect(new Set(together).size).toBeGreaterThanOrEqual(Math.min(rowCount, 20));
  });

  test("takes blocks and files that lie inside larger buffers", () => {
    const inside = new Uint8Array(plain.bytes.length + 32).fill(0xff);
    inside.set(plain.bytes, 13);
    const session = load({ ...plain, bytes: inside.subarray(13, 13 + plain.bytes.length) });
    expect(session.run([f32(0, 0, 5, 16, 0).subarray(2, 4)], 2)).toEqual([f32(alone(plain, 5), alone(plain, 16))]);
  });

  test("leaves a file's bytes as they are, and needs them no more once it is loaded", () => {
    const bytes = Uint8Array.from(plain.bytes);
    const session = load({ ...plain, bytes });
    expect(bytes).toEqual(Uint8Array.from(plain.bytes));
    bytes.fill(0);
    expect(session.run([f32(5)], 1)).toEqual([f32(alone(plain, 5))]);
  });

  test("gives outputs that later runs leave alone", () => {
    const session = load(plain);
    const first = session.run([f32(1, 2)], 2);
    const copy = first.map((block) => block.slice());
    session.run([f32(8, 9)], 2);
    expect(first).toEqual(copy);
    expect(first).not.toEqual(session.run([f32(8, 9)], 2));
  });

  test("gives outputs that can be moved to another thread as they are", () => {
    const session = load(plain);
    const [block] = session.run([f32(1, 2)], 2);
    const copy = block!.slice();
    expect(block!.buffer.byteLength).toBe(block!.byteLength);
    expect(structuredClone(block!, { transfer: [block!.buffer as ArrayBuffer] })).toEqual(copy);
    expect(session.run([f32(1, 2)], 2)).toEqual([copy]);
  });

  test("keeps sessions apart: one that is released leaves the others at work", () => {
    const [first, second] = [engine.load(plain), load(other)];
    const before = second.run([f32(1)], 1);
    first.run([f32(2)], 1);
    first.release();
    expect(second.run([f32(1)], 1)).toEqual(before);
    expect(load(plain).run([f32(4)], 1)).toEqual([f32(alone(plain, 4))]);
  });

  test.each(unloadable)("refuses to load $name", ({ model, says }) => {
    expect(() => load(model)).toThrow(says);
    expect(() => load(model)).toThrow(Error);
  });

  describe("refuses to run", () => {
    test("a block of another size than the rows need", () => {
      const session = load(plain);
      expect(() => session.run([f32(1, 2)], 3)).toThrow(Error);
      expect(() => session.run([f32(1, 2)], 1)).toThrow(Error);
    });

    test("a block of another type", () => {
      expect(() => load(plain).run([f64(1)], 1)).toThrow(Error);
      expect(() => load(plain).run([f64(1, 2)], 1)).toThrow(Error);
    });

    test.each(failingRuns)("$name", ({ model, rows, blocks, says }) => {
      expect(() => load(model).run(blocks, rows)).toThrow(says);
    });

    test.each(failingRuns)("$name, and goes on working", ({ model, rows, blocks, soundRun }) => {
      const session = load(model);
      expect(() => session.run(blocks, rows)).toThrow(Error);
      if (soundRun) expect(session.run(soundRun.blocks, 1)).toEqual(soundRun.answers);
      expect(load(plain).run([f32(5)], 1)).toEqual([f32(alone(plain, 5))]);
    });
  });
});
