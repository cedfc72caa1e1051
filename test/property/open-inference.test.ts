/**
 * Goal: whatever columns a client sends, in whatever form, arrive bit for bit; and whatever else it sends is taken or
 * refused as its own fault, by the same words in slices as in one go.
 */

import { Buffer } from "node:buffer";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import type { Columns } from "../../preprocessing/index.js";
import { ServeError } from "../../server/errors.js";
import { takeWhole } from "../../server/path/sliced-work.js";
import { openInference } from "../../server/protocol/open-inference/protocol.js";
import { fuzzTimeoutMs, rounds } from "../support/fuzzing.js";
import {
  bytesOf,
  decode,
  type everyKind,
  headOf,
  type Message,
  makeContract,
  makeMessage,
  type SentInput,
  textBytes,
} from "../support/open-inference.js";

const contract = makeContract();

const arrays = {
  UINT8: [Uint8Array, fc.integer({ min: 0, max: 255 })],
  UINT16: [Uint16Array, fc.integer({ min: 0, max: 65_535 })],
  UINT32: [Uint32Array, fc.integer({ min: 0, max: 2 ** 32 - 1 })],
  INT8: [Int8Array, fc.integer({ min: -128, max: 127 })],
  INT16: [Int16Array, fc.integer({ min: -32_768, max: 32_767 })],
  INT32: [Int32Array, fc.integer()],
  FP32: [Float32Array, fc.float({ noNaN: true, noDefaultInfinity: true })],
  FP64: [Float64Array, fc.double({ noNaN: true, noDefaultInfinity: true })],
  INT64: [BigInt64Array, fc.maxSafeInteger()],
  UINT64: [BigUint64Array, fc.maxSafeNat()],
} as const;

type NumberType = keyof typeof arrays;

function numberBytes(datatype: NumberType, values: readonly number[]): Buffer {
  const [type] = arrays[datatype];
  const items = datatype.endsWith("INT64") ? values.map(BigInt) : values;
  return bytesOf((type as typeof Float64Array).from(items as readonly number[]));
}

interface Sent {
  readonly inputs: readonly SentInput[];
  readonly column: readonly unknown[];
}

const form = fc.constantFrom("flat", "nested", "binary");

/** One tensor of `rows` times `width` elements, in one of the forms. */
function tensor(name: string, rows: number, width: number, isList: boolean) {
  const shape = [rows, width];
  const send = (datatype: string, values: readonly unknown[], bytes: () => Buffer) =>
    form.map((chosen): Sent => {
      const lists = Array.from({ length: rows }, (_, row) => values.slice(row * width, (row + 1) * width));
      const column = isList ? lists : values.map((value) => (typeof value === "boolean" ? Number(value) : value));
      const head = { name, datatype, shape: isList || chosen === "nested" ? shape : [rows] };
      const data = chosen === "nested" ? lists : values;
      return { inputs: [chosen === "binary" ? { ...head, bytes: bytes() } : { ...head, data }], column };
    });
  const several = <T>(value: fc.Arbitrary<T>) => fc.array(value, { minLength: rows * width, maxLength: rows * width });
  const numbers = fc.constantFrom(...(Object.keys(arrays) as NumberType[])).chain((datatype) =>
    // JSON.stringify has no minus zero.
    several(arrays[datatype][1].map((value) => value + 0)).chain((values) =>
      send(datatype, values, () => numberBytes(datatype, values)),
    ),
  );
  const booleans = several(fc.boolean()).chain((values) => send("BOOL", values, () => Buffer.from(values.map(Number))));
  const texts = several(fc.string({ unit: "grapheme" })).chain((values) =>
    send("BYTES", values, () => textBytes(...values)),
  );
  return { numbers, booleans, texts };
}

/** The tensor, and often a mask beside it. */
function masked(name: string, rows: number, sent: fc.Arbitrary<Sent>): fc.Arbitrary<Sent> {
  const mask = fc.option(fc.array(fc.boolean(), { minLength: rows, maxLength: rows }));
  return fc.tuple(sent, mask, fc.boolean()).map(([{ inputs, column }, missing, isBinary]) => {
    if (missing === null) return { inputs, column };
    const head = { name: `${name}:missing`, datatype: "BOOL", shape: [rows] };
    const own = isBinary ? { ...head, bytes: Buffer.from(missing.map(Number)) } : { ...head, data: missing };
    const nothing = typeof column[0] === "number" ? Number.NaN : null;
    return { inputs: [...inputs, own], column: column.map((value, row) => (missing[row] ? nothing : value)) };
  });
}

const request = fc.integer({ min: 1, max: 5 }).chain((rows) =>
  fc.record(
    {
      price: masked("price", rows, tensor("price", rows, 1, false).numbers),
      count: masked("count", rows, tensor("count", rows, 1, false).numbers),
      promo: masked("promo", rows, tensor("promo", rows, 1, false).booleans),
      city: masked("city", rows, tensor("city", rows, 1, false).texts),
      window: masked("window", rows, tensor("window", rows, 3, true).numbers),
      flags: masked(
        "flags",
        rows,
        fc.nat(3).chain((width) => tensor("flags", rows, width, true).booleans),
      ),
      tags: masked(
        "tags",
        rows,
        fc.nat(3).chain((width) => tensor("tags", rows, width, true).texts),
      ),
    } satisfies Record<keyof typeof everyKind, fc.Arbitrary<Sent>>,
    { requiredKeys: ["price"] },
  ),
);

const message = fc.tuple(request, fc.string()).map(([sent, id]) => {
  return makeMessage(
    Object.values(sent).flatMap((each) => each!.inputs),
    { id },
  );
});

test(
  "columns arrive as they are sent, in every form",
  () => {
    const sent = fc.tuple(request, fc.string(), fc.nat());
    fc.assert(
      fc.property(sent, ([columns, id, seed]) => {
        // Tensors come in any order, and their elements begin at any byte.
        const inputs = Object.values(columns).flatMap((each) => each!.inputs);
        const turned = [...inputs.slice(seed % inputs.length), ...inputs.slice(0, seed % inputs.length)];
        const { rows } = decode(makeMessage(turned, { id }), contract);
        const arrived = [...(rows as Columns).values].map(([name, column]) => [name, Array.from<unknown>(column)]);
        expect(Object.fromEntries(arrived)).toEqual(
          Object.fromEntries(Object.entries(columns).map(([name, each]) => [name, each!.column])),
        );
      }),
      rounds(300),
    );
  },
  fuzzTimeoutMs,
);

/** Damage to a message's bytes or its header. */
const damage: fc.Arbitrary<(message: Message) => Message> = fc.oneof(
  fc.tuple(fc.nat(), fc.nat(255)).map(([at, byte]) => ({ body, header }: Message) => {
    const changed = Buffer.from(body);
    changed[at % body.length] = byte;
    return { body: changed, header };
  }),
  fc.nat().map((at) => ({ body, header }: Message) => ({ body: body.subarray(0, at % body.length), header })),
  fc.uint8Array({ maxLength: 9 }).map((more) => ({ body, header }: Message) => ({
    body: Buffer.concat([body, more]),
    header,
  })),
  fc
    .oneof(fc.string(), fc.nat(500).map(String), fc.constantFrom("", "0", "-1", "1e3", " 5"))
    .map((header) => ({ body }: Message) => ({ body, header })),
  // A value of the JSON is replaced by another one, and the header follows.
  fc.tuple(fc.nat(), fc.jsonValue({ maxDepth: 2 })).map(([at, value]) => ({ body, header }: Message) => {
    const end = header === "" ? body.length : Number(header);
    const values = [
      ...body.toString("latin1", 0, end).matchAll(/(?<=[:[,])(?:"[^"]*"|[\d.e+-]+|true|false|\[[^[\]{}]*\])/g),
    ];
    const chosen = values[at % values.length];
    if (chosen === undefined) return { body, header };
    const replaced = Buffer.concat([
      body.subarray(0, chosen.index),
      Buffer.from(JSON.stringify(value)),
      body.subarray(chosen.index + chosen[0].length, end),
    ]);
    return {
      body: Buffer.concat([replaced, body.subarray(end)]),
      header: header === "" ? "" : String(replaced.length),
    };
  }),
);

function outcome(take: () => unknown): unknown {
  try {
    return take();
  } catch (error) {
    if (!(error instanceof ServeError)) throw error;
    const { status, body } = openInference.refuse(error, "r1");
    return [status, body];
  }
}

test(
  "damaged messages are taken, or refused as the caller's fault, in slices as in one go",
  () => {
    fc.assert(
      fc.property(message, fc.array(damage, { minLength: 1, maxLength: 3 }), (sent, damages) => {
        const { body, header } = damages.reduce((each, change) => (each.body.length > 0 ? change(each) : each), sent);
        const given = outcome(() => openInference.decode(body, headOf(header), contract));
        if (Array.isArray(given)) expect(given[0]).toBe(400);
        expect(outcome(() => takeWhole(openInference.sliced!.decode(body, headOf(header), contract)))).toEqual(given);
      }),
      rounds(500),
    );
  },
  fuzzTimeoutMs,
);

test(
  "bytes of any kind are refused as the caller's fault",
  () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 200 }),
        fc.oneof(fc.constant(""), fc.nat(200).map(String)),
        (bytes, header) => {
          const given = outcome(() => openInference.decode(Buffer.from(bytes), headOf(header), contract)) as unknown[];
          expect(given[0]).toBe(400);
        },
      ),
      rounds(300),
    );
  },
  fuzzTimeoutMs,
);
