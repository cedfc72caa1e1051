/** Chooses the member that serves, and loads that one alone: a plain start doesn't pay for the other. */

import type { HttpMember, HttpTransport } from "./transport.js";

export interface LoadedHttp {
  readonly transport: HttpTransport;
  /** What an operator should know of a choice that nobody made. */
  readonly notice: { readonly level: "info" | "warn"; readonly message: string } | undefined;
}

/**
 * By the build, never by the address: `auto` is uWebSockets.js wherever its binary loads.
 *
 * @throws Error with a sentence when uWebSockets.js is asked for and has no binary that loads here.
 */
export async function loadHttp(choice: "auto" | HttpMember): Promise<LoadedHttp> {
  if (choice === "node") return { transport: await loadNode(), notice: undefined };
  let transport: HttpTransport;
  try {
    transport = (await import("./uws.js")).uwsTransport;
  } catch (error) {
    const why = `uWebSockets.js has no binary that loads on Node ${process.versions.node} here (${reason(error)})`;
    if (choice === "uws") throw new Error(`--http uws: ${why}; --http node serves without it`);
    return { transport: await loadNode(), notice: { level: "info", message: `HTTP is served by node:http: ${why}` } };
  }
  const { caveat } = transport;
  const notice =
    choice === "auto" && caveat !== undefined ? ({ level: "warn", message: `HTTP: ${caveat}` } as const) : undefined;
  return { transport, notice };
}

async function loadNode(): Promise<HttpTransport> {
  return (await import("./node.js")).nodeTransport;
}

/** What the system says: the library says before it which versions of Node it supports, whatever the matter is. */
function reason(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return (/^Error: (.+)$/m.exec(text)?.[1] ?? text.split("\n", 1)[0]!).slice(0, 300);
}
