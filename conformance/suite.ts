/** Runs cases against one server, one after another. */

import type { Case } from "./case.js";
import { allCases } from "./cases/all.js";
import { GrpcClient } from "./grpc-client.js";
import { GrpcWire } from "./grpc-wire.js";
import { HttpClient } from "./http-client.js";
import { Mismatch, NotApplicable } from "./mismatch.js";
import { type ModelFacts, readModel } from "./model.js";
import { type Clients, Probe } from "./probe.js";
import { isObject, type Members } from "./reply.js";

export type Verdict = "pass" | "fail" | "skipped";

export interface Result {
  readonly id: string;
  readonly verdict: Verdict;
  readonly rule: string;
  readonly source: string;
  /** The model that showed it; "" where it was skipped. */
  readonly model: string;
  /** Of a failure. */
  readonly expected?: string;
  readonly came?: string;
  /** Of a skipped case. */
  readonly reason?: string;
}

export interface SuiteOptions {
  readonly url: string;
  /** `host:port` */
  readonly grpc?: string | undefined;
  /** A case is run with the first one that can show its rule. */
  readonly models: readonly string[];
  readonly mayUnload?: boolean;
  /** Of every request: an authorization, a time that the server has for it. Over gRPC they are metadata. */
  readonly headers?: Readonly<Record<string, string>>;
  /** A request of one row, for the first model. */
  readonly request?: Members | undefined;
}

export interface ServerFacts {
  readonly name: string;
  readonly version: string;
  readonly extensions: readonly string[];
  readonly grpcExtensions: readonly string[];
}

/** A server that is ready to be asked; connections are kept from case to case. */
export class Suite {
  readonly server: ServerFacts;
  readonly #clients: Clients;
  readonly #models: readonly ModelFacts[];
  readonly #mayUnload: boolean;

  private constructor(server: ServerFacts, clients: Clients, models: readonly ModelFacts[], mayUnload: boolean) {
    this.server = server;
    this.#clients = clients;
    this.#models = models;
    this.#mayUnload = mayUnload;
  }

  /** @throws Error with a sentence when a model's metadata can't be read or it takes no row. */
  static async open({ url, grpc, models, mayUnload = false, headers = {}, request }: SuiteOptions): Promise<Suite> {
    const clients = {
      http: new HttpClient(url, headers),
      grpc: grpc === undefined ? undefined : new GrpcClient(grpc, headers),
      wire: grpc === undefined ? undefined : new GrpcWire(grpc, headers),
    };
    try {
      const facts: ModelFacts[] = [];
      for (const [index, name] of models.entries())
        facts.push(await readModel(clients.http, name, index === 0 ? request : undefined));
      return new Suite(await readServer(clients), clients, facts, mayUnload);
    } catch (reason) {
      closeAll(clients);
      throw reason;
    }
  }

  /**
   * Runs the cases in their order. Where a failure leaves nobody who answers, the rest is skipped.
   *
   * @param leftOut - Ids of cases to skip: of those that end this server, so that the others can be run.
   */
  async run(cases: readonly Case[] = allCases, leftOut: readonly string[] = []): Promise<Result[]> {
    const results: Result[] = [];
    let reason: string | undefined;
    for (const each of cases) {
      const { id, rule, source } = each;
      const isLeftOut = leftOut.includes(id);
      if (reason !== undefined || isLeftOut) {
        results.push({ id, rule, source, verdict: "skipped", model: "", reason: reason ?? "left out by --skip" });
        continue;
      }
      const result = await this.#runOne(each);
      results.push(result);
      if (result.verdict === "fail" && !(await this.#answers())) reason = `the server has ended in ${id}`;
    }
    return results;
  }

  async #answers(): Promise<boolean> {
    try {
      await this.#clients.http.send("after-failure", "GET", "v2/health/live");
      return true;
    } catch {
      return false;
    }
  }

  async #runOne({ id, rule, source, extension, needs, check }: Case): Promise<Result> {
    const head = { id, rule, source };
    const skipped = (reason: string): Result => ({ ...head, verdict: "skipped", model: "", reason });
    const isGrpc = id.startsWith("grpc.");
    if (isGrpc && this.#clients.grpc === undefined) return skipped("no --grpc was given");
    const extensions = isGrpc ? this.server.grpcExtensions : this.server.extensions;
    if (extension !== undefined && !extensions.some((listed) => listed.startsWith(extension)))
      return skipped(`the server doesn't list the extension ${extension}`);
    const reasons = this.#models.map((model) => needs?.(model));
    const model = this.#models[reasons.indexOf(undefined)];
    if (model === undefined) return skipped(reasons[0]!);
    try {
      await check(new Probe(id, model, this.#clients, { mayUnload: this.#mayUnload }));
      return { ...head, verdict: "pass", model: model.name };
    } catch (reason) {
      if (reason instanceof NotApplicable) return skipped(reason.message);
      if (!(reason instanceof Mismatch)) throw reason;
      return { ...head, verdict: "fail", model: model.name, expected: reason.expected, came: reason.came };
    }
  }

  close(): void {
    closeAll(this.#clients);
  }
}

function closeAll({ http, grpc, wire }: Clients): void {
  http.close();
  grpc?.close();
  wire?.close();
}

/** A server whose metadata can't be read lists no extension; that is a failure of cases of its own. */
async function readServer({ http, grpc }: Clients): Promise<ServerFacts> {
  const { body } = await http.send("set-up", "GET", "v2");
  let members: unknown;
  try {
    members = JSON.parse(body.toString());
  } catch {
    members = undefined;
  }
  const { name, version, extensions } = isObject(members) ? members : ({} as Members);
  const answer = await grpc?.call("set-up", "ServerMetadata");
  return {
    name: String(name ?? ""),
    version: String(version ?? ""),
    extensions: Array.isArray(extensions) ? extensions.map(String) : [],
    grpcExtensions: (answer?.reply?.extensions as string[] | undefined) ?? [],
  };
}
