/** `plumb canary start|status|promote|rollback|resume|stop MODEL`: release plans, by the admin listener. */

import { readFileSync } from "node:fs";
import { createAdminClient, readWords, tell } from "./admin-client.js";
import { aligned } from "./aligned.js";

interface Guard {
  readonly guard: string;
  readonly state: string;
  readonly sentence: string;
}

interface Described {
  readonly model: string;
  readonly status: string;
  readonly champion: number;
  readonly canary: number;
  readonly step: number | null;
  readonly steps: number;
  readonly share: number;
  readonly reason: string;
  readonly verdict: { readonly verdict: string; readonly sentence: string; readonly guards: readonly Guard[] } | null;
}

const actions = ["start", "status", "promote", "rollback", "resume", "stop"];

/** @returns The exit code: 0; 1 if the server refuses or doesn't answer; 2 for wrong usage. */
export async function canary(args: readonly string[], environment: NodeJS.ProcessEnv, folder: string): Promise<number> {
  let words: ReturnType<typeof readWords>;
  let ask: ReturnType<typeof createAdminClient>;
  try {
    words = readWords(args, ["plan", "version", "why"]);
    const [action, model, ...more] = words.positionals;
    if (!actions.includes(action ?? "") || model === undefined || more.length > 0)
      throw new Error(`expected one of ${actions.join(", ")}, and a model`);
    ask = createAdminClient(words.settings, environment, folder);
  } catch (error) {
    process.stderr.write(
      `plumb canary: ${(error as Error).message}: as in \`plumb canary start demand --version 2\`\n`,
    );
    return 2;
  }
  const [action, model] = words.positionals as [string, string];
  const { why, plan, version } = words.flags;
  const path = `/routes/${encodeURIComponent(model)}/plan`;
  try {
    const asked =
      action === "status"
        ? await ask(path)
        : action === "stop"
          ? await ask(path, { method: "DELETE", why })
          : await ask(path, { method: "POST", why, body: action === "start" ? planIn(plan, version) : { action } });
    return tell("canary", asked, words.isJson, () => describe(asked.json as unknown as Described));
  } catch (error) {
    process.stderr.write(`plumb canary: ${(error as Error).message}\n`);
    return 1;
  }
}

/** @throws Error with a sentence. */
function planIn(file: string | undefined, version: string | undefined): object {
  const plan = file === undefined ? {} : (JSON.parse(readFileSync(file, "utf8")) as object);
  return version === undefined ? plan : { ...plan, canary: Number(version) };
}

function describe({ model, status, champion, canary, step, steps, share, reason, verdict }: Described): string {
  const facts = [
    ["model", model],
    ["champion", `${champion}`],
    ["canary", `${canary}`],
    ["status", status],
    ["step", step === null ? "-" : `${step + 1} of ${steps}, ${Number((100 * share).toFixed(2))} %`],
    ["reason", reason],
    ...(verdict === null ? [] : [["verdict", `${verdict.verdict}: ${verdict.sentence}`]]),
  ];
  const guards = verdict?.guards.map(({ guard, state, sentence }) => [guard, state, sentence]) ?? [];
  const table = guards.length === 0 ? "" : `\n${aligned([["guard", "state", ""], ...guards])}`;
  return `${aligned(facts)}${table}`;
}
