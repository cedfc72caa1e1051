/** Asks a server's admin listener, for commands: where it is and its token come from the settings of serve. */

import { request } from "node:http";
import { userInfo } from "node:os";
import { readConfig } from "../server/config.js";
import { reachableHost } from "../server/transport/address.js";
import { readToken } from "../server/transport/admin-token.js";

const timeoutMs = 30_000;

export interface AdminAnswer {
  readonly status: number;
  readonly json: Record<string, unknown>;
}

export interface AdminAsk {
  readonly method?: "GET" | "POST" | "PUT" | "DELETE";
  readonly body?: unknown;
  readonly why?: string | undefined;
}

export type AskAdmin = (path: string, ask?: AdminAsk) => Promise<AdminAnswer>;

/** @throws Error with a sentence for settings that don't say where it is. */
export function createAdminClient(
  settings: readonly string[],
  environment: NodeJS.ProcessEnv,
  folder: string,
): AskAdmin {
  const { adminHost, adminPort, adminTokenFile } = readConfig(settings, environment, folder);
  if (adminPort === 0)
    throw new Error("the admin port is 0, any free one: only the server knows which; say --admin-port");
  const base = `http://${reachableHost(adminHost)}:${adminPort}`;
  const token = adminTokenFile === undefined ? {} : { authorization: `Bearer ${readToken(adminTokenFile)}` };
  return async (path, { method = "GET", body, why } = {}) =>
    await new Promise<AdminAnswer>((resolve, reject) => {
      const headers = {
        ...token,
        "x-plumb-who": userInfo().username,
        ...(why !== undefined && { "x-plumb-why": why }),
        ...(body !== undefined && { "content-type": "application/json" }),
      };
      const signal = AbortSignal.timeout(timeoutMs);
      const asked = request(`${base}${path}`, { method, headers, agent: false, signal }, (reply) => {
        const chunks: Buffer[] = [];
        reply
          .on("data", (chunk: Buffer) => chunks.push(chunk))
          .on("error", reject)
          .on("end", () => {
            try {
              resolve({ status: reply.statusCode!, json: JSON.parse(Buffer.concat(chunks).toString()) });
            } catch {
              reject(new Error(`${base}${path} answered ${reply.statusCode} without JSON: is it an admin listener?`));
            }
          });
      });
      asked
        .on("error", (error) => reject(new Error(`${base} doesn't answer: ${error.message}`)))
        .end(body === undefined ? undefined : JSON.stringify(body));
    });
}

/** Words of a command, and the settings of serve that it leaves. */
export interface CommandWords {
  readonly positionals: readonly string[];
  readonly flags: Readonly<Record<string, string | undefined>>;
  readonly isJson: boolean;
  readonly settings: readonly string[];
}

/** @param known - The command's own flags, with a value each, without their dashes. */
export function readWords(args: readonly string[], known: readonly string[]): CommandWords {
  const positionals: string[] = [];
  const settings: string[] = [];
  const flags: Record<string, string> = {};
  let isJson = false;
  for (let i = 0; i < args.length; i++) {
    const word = args[i]!;
    const name = word.slice(2);
    if (word === "--json") isJson = true;
    else if (!word.startsWith("--")) positionals.push(word);
    else if (known.includes(name)) {
      const value = args[++i];
      if (value === undefined) throw new Error(`the flag ${word}: expected a value`);
      flags[name] = value;
    } else if (word.includes("=")) settings.push(word);
    else settings.push(word, ...(args[i + 1] === undefined ? [] : [args[++i]!]));
  }
  return { positionals, flags, isJson, settings };
}

/** @returns The exit code: 0 for 2xx, 1 for what was refused, with its sentence. */
export function tell(command: string, { status, json }: AdminAnswer, isJson: boolean, words: () => string): number {
  if (status >= 200 && status < 300) {
    process.stdout.write(isJson ? `${JSON.stringify(json, undefined, 2)}\n` : words());
    return 0;
  }
  const { error } = json as { error?: { message?: string } };
  process.stderr.write(`plumb ${command}: ${error?.message ?? `the server answered ${status}`}\n`);
  return 1;
}
