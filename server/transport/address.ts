/** Addresses as they arrive: uWebSockets.js neither decodes nor normalises them, so `..` and `//` mean nothing here. */

import { ServeError } from "../errors.js";

/**
 * Decodes what stands between two slashes, once.
 *
 * @throws {@link ServeError} invalid_request when it isn't percent-encoded UTF-8.
 */
export function decodeSegment(segment: string): string {
  if (!segment.includes("%")) return segment;
  try {
    return decodeURIComponent(segment);
  } catch {
    throw new ServeError("invalid_request", `the address isn't percent-encoded UTF-8: ${JSON.stringify(segment.slice(0, 64))}`);
  }
}
