/**
 * How many chunks may a body have, and how much is read of a body that nobody takes?
 *
 * Each chunk is a call from the HTTP library into JavaScript: 0.8 us, as much as decoding a small row, and one socket
 * read holds 87,000 chunks of one byte. So chunks are counted against the bytes that they bring. A refused body is read
 * on, or a client that writes before it reads would get EPIPE instead of the reply; but not for ever. Pure: the caller
 * counts.
 */

const mebibyte = 1_048_576;

/** Chunks that any body may have: 1.7 ms of the event loop. A row of a few hundred bytes may come byte by byte. */
export const freeChunksMax = 2_048;
/**
 * Beyond those, each chunk has to bring so many bytes on average: one JSON row a chunk is fine. Most clients send 4 to
 * 64 KiB.
 */
export const bytesPerChunkMin = 64;

/** A longer rest of a refused body isn't waited for. Ten times the default limit of a body. */
export const leftoverBytesMax = 16 * mebibyte;
/**
 * The rest must be here within this time. Shorter than the HTTP library's own 8 s, after which it closes without a
 * reply.
 */
export const leftoverMsMax = 5_000;
/** Chunks of the rest: 0.1 ms of the event loop, and then one for each network packet. */
const leftoverChunksMax = 256;
const leftoverBytesPerChunkMin = 1_024;

/** @param chunkCount - Chunks so far; a chunk that arrives in two reads counts twice. */
export function hasTooManyChunks(chunkCount: number, bytes: number): boolean {
  return chunkCount > freeChunksMax + bytes / bytesPerChunkMin;
}

/** Whether a refused body is read on, after so many chunks and bytes that were dropped. */
export function readsOn(chunkCount: number, bytes: number): boolean {
  return bytes <= leftoverBytesMax && chunkCount <= leftoverChunksMax + bytes / leftoverBytesPerChunkMin;
}
