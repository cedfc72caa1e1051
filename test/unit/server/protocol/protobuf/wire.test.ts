/** Goal: the reader takes what another maker's writer writes, and refuses what is no message. */

import { Buffer } from "node:buffer";
import { BinaryWriter } from "@bufbuild/protobuf/wire";
import { describe, expect, test } from "vitest";
import { WireReader } from "../../../../../server/protocol/protobuf/wire.js";

const bytesOf = (writer: BinaryWriter) => Buffer.from(writer.finish());
const readerOf = (writer: BinaryWriter) => new WireReader(bytesOf(writer));

test("values of each type come as they were written", () => {
  const inner = bytesOf(new BinaryWriter().tag(1, 2).string("Größe".repeat(20)));
  const reader = readerOf(
    new BinaryWriter()
      .tag(1, 0)
      .int64(-1)
      .tag(2, 0)
      .uint64(2n ** 64n - 1n)
      .tag(3, 1)
      .double(-0)
      .tag(4, 5)
      .float(1.5)
      .tag(500_000_000, 2)
      .bytes(inner)
      .tag(6, 0)
      .int64(2n ** 53n + 1n),
  );
  const numbers: number[] = [];
  const read = <T>(value: () => T): T => {
    expect(reader.next()).toBe(true);
    numbers.push(reader.field);
    return value();
  };
  expect(read(() => reader.readSigned())).toEqual([-1, true]);
  expect(read(() => reader.readUnsigned())).toEqual([2 ** 64, false]);
  expect(read(() => reader.readDouble())).toBe(-0);
  expect(read(() => reader.readFloat())).toBe(1.5);
  const message = read(() => reader.readMessage());
  expect([message.next(), message.readText(), message.next()]).toEqual([true, "Größe".repeat(20), false]);
  expect(read(() => reader.readSigned())).toEqual([2 ** 53, false]);
  expect([reader.next(), numbers]).toEqual([false, [1, 2, 3, 4, 500_000_000, 6]]);
});

test("unknown fields are skipped, groups in groups too", () => {
  const writer = new BinaryWriter().tag(9, 3).tag(9, 3).tag(1, 2).string("x").tag(2, 0).int64(-5).tag(9, 4);
  writer.tag(3, 1).fixed64(1).tag(4, 5).fixed32(1).tag(9, 4).tag(2, 2).string("here");
  const reader = readerOf(writer);
  expect([reader.next(), reader.field]).toEqual([true, 9]);
  reader.skip();
  expect([reader.next(), reader.readText(), reader.next()]).toEqual([true, "here", false]);
});

test("a part of the bytes is a message of its own", () => {
  const reader = readerOf(new BinaryWriter().tag(1, 2).string("abc").tag(2, 2).string("def"));
  reader.end = 4;
  expect(() => {
    reader.next();
    reader.readText();
  }).toThrow("the message, byte 2 of 10: expected a length of at most the 2 bytes that are left, got 3");
});

describe("what is no message is refused", () => {
  const nested = (count: number) => Buffer.concat([Buffer.alloc(count, 0x0b), Buffer.alloc(count, 0x0c)]);
  test.each<[string, Buffer, RegExp]>([
    ["a field without a number", Buffer.from([0x02]), /a field's number/],
    ["a number of more than 64 bits", Buffer.from("08ffffffffffffffffff02", "hex"), /a number of 64 bits/],
    ["a number without its end", Buffer.from([0x08, 0x80]), /a whole number/],
    ["a length beyond the end", Buffer.from([0x12, 2, 65]), /at most the 1 bytes that are left, got 2/],
    ["a length beyond 32 bits", Buffer.from("12ffffffffffffffffff01", "hex"), /at most the 0 bytes/],
    ["half a double", Buffer.from([0x19, 0, 0]), /8 bytes, got the 2 that are left/],
    ["a wire type that doesn't exist", Buffer.from([0x0e]), /a wire type from 0 to 5/],
    ["the end of a group that never began", Buffer.from([0x0c]), /each group's own end/],
    ["the end of another group", Buffer.from([0x0b, 0x14]), /each group's own end/],
    ["a group without an end", Buffer.from([0x0b]), /a whole number/],
    ["groups that are too deep", nested(101), /at most 100 groups in each other/],
    ["a flood of fields in a group", Buffer.alloc(60_000, Buffer.from([0x0b, 0x10, 0])), /at most/],
    ["a flood of groups", Buffer.alloc(60_000, Buffer.from([0x0b, 0x0c])), /at most 20000 fields/],
  ])("%s", (_, bytes, words) => {
    const reader = new WireReader(bytes, "what came");
    expect(() => {
      while (reader.next()) reader.skip();
    }).toThrow(words);
  });

  test("but groups of the depth that is allowed are skipped", () => {
    const reader = new WireReader(nested(100));
    while (reader.next()) reader.skip();
    expect(reader.pos).toBe(200);
  });

  test.each([
    ["short", "ff"],
    ["long", `${"61".repeat(70)}c3`],
  ])("%s text that isn't UTF-8", (_, hex) => {
    const bytes = Buffer.from(hex, "hex");
    const reader = readerOf(new BinaryWriter().tag(1, 2).bytes(bytes));
    reader.next();
    expect(() => reader.readText()).toThrow("the message, byte 2 of");
  });
});
