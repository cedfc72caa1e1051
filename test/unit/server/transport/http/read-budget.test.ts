/**
 * Goal: no client that sends its body in a usual way is refused for its chunks, and no refused body is read for ever.
 */

import { describe, expect, test } from "vitest";
import {
  bytesPerChunkMin,
  freeChunksMax,
  hasTooManyChunks,
  leftoverBytesMax,
  readsOn,
} from "../../../../../server/transport/http/read-budget.js";

const mebibyte = 1_048_576;

describe("a body", () => {
  const cases: [string, number, number, boolean][] = [
    ["in one chunk", 1, 60, false],
    ["of nothing", 1, 0, false],
    ["that comes byte by byte, as long as that is allowed", freeChunksMax, freeChunksMax, false],
    ["of 3 MiB that comes byte by byte, once that is certain", freeChunksMax + 33, freeChunksMax + 33, true],
    ["of 10,000 rows, a chunk each", 10_000, 10_000 * bytesPerChunkMin, false],
    ["of 64 MiB in network packets", Math.ceil((64 * mebibyte) / 1_460), 64 * mebibyte, false],
    ["of 1 MiB in chunks of 32 bytes", 32_768, mebibyte, true],
  ];
  test.each(cases)("%s", (_, chunkCount, bytes, tooMany) => {
    expect(hasTooManyChunks(chunkCount, bytes)).toBe(tooMany);
  });
});

describe("a refused body is read on", () => {
  const cases: [string, number, number, boolean][] = [
    ["before anything of it was dropped", 0, 0, true],
    ["at 10 MB in network packets", Math.ceil(10_000_000 / 1_460), 10_000_000, true],
    ["at its bound", leftoverBytesMax / 65_536, leftoverBytesMax, true],
    ["beyond its bound: no", leftoverBytesMax / 65_536, leftoverBytesMax + 1, false],
    ["at 250 chunks of a byte", 250, 250, true],
    ["at 300 chunks of a byte: no", 300, 300, false],
  ];
  test.each(cases)("%s", (_, chunkCount, bytes, on) => {
    expect(readsOn(chunkCount, bytes)).toBe(on);
  });
});
