/** Whether two versions read a request the same way, so that what one decoded is the other's too. */

import { isDeepStrictEqual } from "node:util";
import type { ProtocolContract } from "../protocol/protocol.js";

const known = new WeakMap<ProtocolContract, WeakMap<ProtocolContract, boolean>>();

/** All that a protocol's `decode` sees of a version, but its number. Compared once for each two. */
export function readAlike(one: ProtocolContract, other: ProtocolContract): boolean {
  let ofOne = known.get(one);
  if (ofOne === undefined) {
    ofOne = new WeakMap();
    known.set(one, ofOne);
  }
  let isAlike = ofOne.get(other);
  if (isAlike === undefined) {
    isAlike = isDeepStrictEqual(formOf(one), formOf(other));
    ofOne.set(other, isAlike);
  }
  return isAlike;
}

function formOf({ name, rowSchema, protoNumbers, postprocessor, bodyLimits }: ProtocolContract) {
  const { hasProbabilities, labels, names } = postprocessor;
  // Their order too: it numbers the fields of the typed proto.
  const features = rowSchema.features.map((feature) => feature.name);
  return { name, schema: rowSchema.document, features, protoNumbers, hasProbabilities, labels, names, bodyLimits };
}
