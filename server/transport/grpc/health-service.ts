/**
 * `grpc.health.v1.Health`: of the whole server ("") and of each of its services, which are ready together.
 *
 * @see https://github.com/grpc/grpc/blob/master/doc/health-checking.md
 */

import { ServeError } from "../../errors.js";
import { statusHeaders } from "../../protocol/protobuf/status.js";
import { WireReader, WireWriter } from "../../protocol/protobuf/wire.js";
import type { Health } from "../health.js";
import { answers, type GrpcExchange, type GrpcService, type Method, unary } from "./service.js";

const statuses = { SERVING: 1, NOT_SERVING: 2, SERVICE_UNKNOWN: 3 } as const;

/** How often a change is looked for while somebody watches, milliseconds. */
const watchEveryMs = 500;

/** @param names - Of the services that are served. */
export function healthService({ isReady }: Pick<Health, "isReady">, names: readonly string[]): GrpcService {
  const known = new Set(["", ...names]);
  const statusOf = (name: string) => {
    if (!known.has(name)) return undefined;
    return isReady() ? statuses.SERVING : statuses.NOT_SERVING;
  };
  return {
    name: "grpc.health.v1.Health",
    methods: {
      Check: answers((message) => {
        const name = readService(message);
        const status = statusOf(name);
        if (status !== undefined) return encode(status);
        throw new ServeError("model_not_found", `there is no service ${JSON.stringify(name.slice(0, 64))}`);
      }),
      Watch: watchMethod((name) => statusOf(name) ?? statuses.SERVICE_UNKNOWN),
    },
  };
}

/** Sends the status at once, and again whenever it has changed. */
function watchMethod(statusOf: (name: string) => number): Method {
  return (exchange: GrpcExchange) => {
    let timer: NodeJS.Timeout | undefined;
    let look = () => {};
    const receiver = unary((message) => {
      const name = readService(message);
      let last: number | undefined;
      look = () => {
        const status = statusOf(name);
        if (status !== last) exchange.write(encode(status));
        last = status;
      };
      look();
      timer = setInterval(look, watchEveryMs);
      timer.unref();
    })(exchange);
    return {
      ...receiver,
      onGone: () => clearInterval(timer),
      onDrain() {
        clearInterval(timer);
        look();
        exchange.end(statusHeaders("UNAVAILABLE", "the server ends"));
      },
    };
  };
}

function readService(message: Buffer): string {
  const reader = new WireReader(message);
  let name = "";
  while (reader.next()) {
    if (reader.field === 1) name = reader.readText();
    else reader.skip();
  }
  return name;
}

function encode(status: number): Buffer {
  return new WireWriter().integer(1, status).finish();
}
