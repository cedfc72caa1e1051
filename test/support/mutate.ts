/** Breaks messages as wires, clients and attackers do: bits, lengths, ends, dims, nesting, numbers, UTF-8. */

/** A number in [0, 1). */
type Random = () => number;
type Mutator = (bytes: Buffer, random: Random) => Buffer;

const at = (random: Random, length: number) => Math.floor(random() * length);
const pick = <Value>(random: Random, values: readonly Value[]): Value => values[at(random, values.length)]!;

function splice(bytes: Buffer, first: number, removed: number, put: Buffer): Buffer {
  return Buffer.concat([bytes.subarray(0, first), put, bytes.subarray(first + removed)]);
}

/** Where the numbers of a text stand. */
const numbers = /-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;
const oddNumbers = [
  ...["-0", "1e999", "-1e999", "1e-400", "5e-324", "9007199254740993", "18446744073709551616", "-9223372036854775809"],
  ...["4294967296", "2147483648", "-1", "0", "1.5", "01", "+1", "1.", ".5", "1e", "0x10", "NaN", "Infinity", "null"],
  ...["true", '""', '"1"', "[]", "{}", "[1,[2]]", "[2,1]", "[1,4294967296,4294967296]", "1".repeat(400)],
];
const oddBytes = [
  ...[
    [0xff],
    [0xc0, 0x80],
    [0xed, 0xa0, 0x80],
    [0xf4, 0x90, 0x80, 0x80],
    [0xe2, 0x82],
    [0xef, 0xbb, 0xbf],
    [0],
    [0x0a],
  ],
  ...["\\ud800", "\\u0000", '"', "\\", "[", "]", "{", "}", ",", ":", '"__proto__":1,', '"constructor":{},'].map(
    (text) => [...Buffer.from(text)],
  ),
].map((bytes) => Buffer.from(bytes));
/** Variable-length integers, as protobuf has lengths: none, huge, of ten bytes, without an end. */
const oddLengths = [[0], [0x7f], [0x80], [0xff, 0x7f], [0xff, 0xff, 0xff, 0xff, 0x0f], Array(9).fill(0xff).concat(1)]
  .concat([Array(12).fill(0xff), [0x80, 0x80, 0]])
  .map((bytes) => Buffer.from(bytes));
const oddWords = [0, 1, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1];

const mutators: readonly Mutator[] = [
  function flipBits(bytes, random) {
    const copy = Buffer.from(bytes);
    for (let flips = 1 + at(random, 4); flips > 0; flips--) copy[at(random, copy.length)]! ^= 1 << at(random, 8);
    return copy;
  },
  function cut(bytes, random) {
    return bytes.subarray(0, at(random, bytes.length + 1));
  },
  function dropSpan(bytes, random) {
    return splice(bytes, at(random, bytes.length), 1 + at(random, 16), Buffer.alloc(0));
  },
  function repeatSpan(bytes, random) {
    const first = at(random, bytes.length);
    const span = bytes.subarray(first, first + 1 + at(random, 32));
    return splice(bytes, first, 0, Buffer.concat(Array<Buffer>(1 + at(random, 8)).fill(span)));
  },
  function moveSpan(bytes, random) {
    const first = at(random, bytes.length);
    return splice(bytes, at(random, bytes.length), 0, Buffer.from(bytes.subarray(first, first + 24)));
  },
  function changeByte(bytes, random) {
    const copy = Buffer.from(bytes);
    copy[at(random, copy.length)] = at(random, 256);
    return copy;
  },
  function changeLength(bytes, random) {
    return splice(bytes, at(random, bytes.length), at(random, 2), pick(random, oddLengths));
  },
  function changeWord(bytes, random) {
    if (bytes.length < 4) return bytes;
    const copy = Buffer.from(bytes);
    copy.writeUInt32LE(pick(random, oddWords), at(random, copy.length - 3));
    return copy;
  },
  function changeNumber(bytes, random) {
    const found = [...bytes.toString("latin1").matchAll(numbers)];
    if (found.length === 0) return bytes;
    const { 0: text, index } = pick(random, found);
    return splice(bytes, index, text.length, Buffer.from(pick(random, oddNumbers)));
  },
  function nest(bytes, random) {
    const depth = 1 + at(random, random() < 0.05 ? 3000 : 8);
    const [open, close] = pick(random, [
      ["[", "]"],
      ['{"rows":', "}"],
      ['{"a":[', "]}"],
    ] as const);
    const end = random() < 0.8 ? close.repeat(depth) : "";
    const first = at(random, bytes.length);
    const last = first + at(random, bytes.length - first);
    const inner = random() < 0.3 ? bytes : bytes.subarray(first, last);
    const put = Buffer.concat([Buffer.from(open.repeat(depth)), inner, Buffer.from(end)]);
    return inner === bytes ? put : splice(bytes, first, last - first, put);
  },
  function putOddBytes(bytes, random) {
    return splice(bytes, at(random, bytes.length), at(random, 2), pick(random, oddBytes));
  },
  function swapQuoted(bytes, random) {
    const quoted = [...bytes.toString("latin1").matchAll(/"[^"]*"/g)];
    if (quoted.length === 0) return bytes;
    const { 0: text, index } = pick(random, quoted);
    return splice(bytes, index, text.length, Buffer.from(pick(random, quoted)[0], "latin1"));
  },
];

/** @returns The message with one to four changes, each in what the last one left. */
export function mutate(bytes: Buffer, random: Random): Buffer {
  let changed = bytes;
  // Half of them have one change: most of several are refused for the first.
  for (let changes = random() < 0.5 ? 1 : 1 + at(random, 4); changes > 0; changes--)
    if (changed.length > 0) changed = pick(random, mutators)(changed, random);
  return changed;
}
