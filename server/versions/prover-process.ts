/**
 * Proves bundles in a process of its own, for the server that started it: reads and hashes a folder, loads its models
 * and runs its golden rows through the path that serves. Native code may die of a model, or never come back; then it is
 * this process that does.
 */

import { BundleError } from "../../bundle/index.js";
import { GraphError } from "../../preprocessing/index.js";
import { endWithParent } from "../inference/child-end.js";
import { openVersion } from "./open-version.js";
import { prove } from "./prove.js";
import type { Begins, FromProver, ToProver } from "./prover.js";

endWithParent(Number(process.argv[2]));

process.on("message", (order: ToProver) => {
  // The parent is gone if one fails, and so is this process in a moment.
  const begins: Begins = { begins: true };
  process.send!(begins, undefined, undefined, () => {});
  void verdictOn(order).then((verdict) => process.send!(verdict, undefined, undefined, () => {}));
});

async function verdictOn({ directory, engine }: ToProver): Promise<FromProver> {
  try {
    const { version, runner } = await openVersion(directory, engine);
    const times: number[] = [];
    const proof = await prove(version, (blocks, rowCount) => {
      const beganMs = performance.now();
      const result = runner.run(blocks, rowCount);
      if (rowCount === 1) times.push(performance.now() - beganMs);
      return result;
    });
    runner.release();
    const { problems, problemCount } = proof;
    const more = problemCount > problems.length ? [`and ${problemCount - problems.length} more`] : [];
    const { digest } = version.contract.bundle;
    if (problemCount > 0) return { fault: "refused", problems: [...problems, ...more] };
    return { digest, rowMs: times.sort((a, b) => a - b)[times.length >> 1] ?? 0 };
  } catch (error) {
    if (error instanceof BundleError) return { fault: error.fault, problems: error.problems };
    if (error instanceof GraphError)
      return { fault: "refused", problems: [`a graph can't be planned: ${error.message}`] };
    const message = error instanceof Error ? error.message : String(error);
    return { fault: "failed", problems: [`its model can't be loaded: ${message}`] };
  }
}
