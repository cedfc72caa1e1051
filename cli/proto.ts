/** `plumb proto BUNDLE`: the typed proto of a bundle, as a server gives it. */

import { readBundle } from "../bundle/index.js";
import { protoText } from "../server/protocol/typed-proto/proto-text.js";
import { createContract } from "../server/versions/contract.js";

/** @returns The exit code: 0, 1 if the bundle can't be read, 2 for wrong usage. */
export async function printProto(args: readonly string[]): Promise<number> {
  const [directory, ...others] = args;
  if (directory === undefined || directory.startsWith("-") || others.length > 0) {
    process.stderr.write("plumb proto: expected one bundle's folder: as in `plumb proto models/demand/1`\n");
    return 2;
  }
  try {
    process.stdout.write(protoText(createContract(await readBundle(directory))));
    return 0;
  } catch (error) {
    process.stderr.write(`plumb proto: ${(error as Error).message}\n`);
    return 1;
  }
}
