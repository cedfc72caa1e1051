/**
 * A rehearsal before the server listens: a small bundle is read and proved on this thread, with a model that isn't one. So the first steps of real
 * bundles, which hold the event loop for 10 ms and more where their code has never run, are as short as all others.
 */

import { noPause, rehearseReading } from "../../bundle/index.js";
import type { Block } from "../../preprocessing/index.js";
import { proveEach } from "./prove-each.js";
import { Version } from "./version.js";

const rounds = 2;

/** @throws Error when the rehearsal goes wrong: a bug. */
export async function rehearse(): Promise<void> {
  for (let round = 0; round < rounds; round++) {
    const version = new Version(await rehearseReading(noPause));
    const width = version.preprocessor.outputs[0]!.width;
    const firstColumn = (blocks: readonly Block[], rowCount: number) => ({
      raw: [Float32Array.from({ length: rowCount }, (_, row) => blocks[0]![row * width]!)],
      failedRows: [],
      failure: undefined,
    });
    const { problems } = (await proveEach([version], () => firstColumn, Promise.resolve(undefined))).get(version)!;
    if (problems.length > 0) throw new Error(`the rehearsal failed: ${problems[0]}`);
  }
}
