/** `plumb routes show [MODEL] | set MODEL | history MODEL`: routes, by the admin listener. */

import { readFileSync } from "node:fs";
import { createAdminClient, readWords, tell } from "./admin-client.js";
import { aligned } from "./aligned.js";

interface Route {
  readonly champion: number;
  readonly canary?: { readonly version: number; readonly share: number };
  readonly shadows?: readonly { readonly version: number }[];
}

interface Change {
  readonly time: string;
  readonly who: string;
  readonly why: string;
  readonly to: Route | null;
}

/** @returns The exit code: 0; 1 if the server refuses or doesn't answer; 2 for wrong usage. */
export async function routes(args: readonly string[], environment: NodeJS.ProcessEnv, folder: string): Promise<number> {
  let words: ReturnType<typeof readWords>;
  let ask: ReturnType<typeof createAdminClient>;
  try {
    words = readWords(args, ["champion", "canary", "share", "file", "why"]);
    const [action, model] = words.positionals;
    if (!["show", "set", "history"].includes(action ?? "") || (action !== "show" && model === undefined))
      throw new Error("expected show [MODEL], set MODEL or history MODEL");
    ask = createAdminClient(words.settings, environment, folder);
  } catch (error) {
    process.stderr.write(`plumb routes: ${(error as Error).message}: as in \`plumb routes set demand --champion 2\`\n`);
    return 2;
  }
  const [action, model] = words.positionals;
  const path = model === undefined ? "/routes" : `/routes/${encodeURIComponent(model)}`;
  try {
    if (action === "history") {
      const asked = await ask(`${path}/history`);
      return tell("routes", asked, words.isJson, () => {
        const { changes } = asked.json as unknown as { changes: readonly Change[] };
        return aligned([
          ["time", "who", "route", "why"],
          ...changes.map(({ time, who, to, why }) => [time, who, inWords(to), why]),
        ]);
      });
    }
    const set = {
      method: "PUT",
      why: words.flags.why,
      body: action === "set" ? routeIn(words.flags) : undefined,
    } as const;
    const asked = await (action === "set" ? ask(path, set) : ask(path));
    return tell("routes", asked, words.isJson, () => {
      const all =
        model === undefined
          ? (asked.json.routes as Record<string, Route>)
          : { [model]: asked.json as unknown as Route };
      return aligned([["model", "route"], ...Object.entries(all).map(([name, route]) => [name, inWords(route)])]);
    });
  } catch (error) {
    process.stderr.write(`plumb routes: ${(error as Error).message}\n`);
    return 1;
  }
}

/** @throws Error with a sentence. */
function routeIn({ champion, canary, share, file }: Readonly<Record<string, string | undefined>>): object {
  if (file !== undefined) return JSON.parse(readFileSync(file, "utf8")) as object;
  if (champion === undefined) throw new Error("expected --champion VERSION, or --file ROUTE.json");
  const beside = canary === undefined ? {} : { canary: { version: Number(canary), share: Number(share ?? 0) } };
  return { champion: Number(champion), ...beside };
}

function inWords(route: Route | null): string {
  if (route === null) return "none";
  const { champion, canary, shadows = [] } = route;
  const share =
    canary === undefined ? "" : `, canary ${canary.version} at ${Number((100 * canary.share).toFixed(2))} %`;
  const beside = shadows.length === 0 ? "" : `, shadows ${shadows.map(({ version }) => version).join(", ")}`;
  return `champion ${champion}${share}${beside}`;
}
