/**
 * `grpc.health.v1.Health`: of the whole server (""), of the inference service, which is ready with it, and of each
 * model's typed service.
 *
 * @see https://github.com/grpc/grpc/blob/master/doc/health-checking.md
 */

import { ServeError } from "../../errors.js";
import { statusHeaders } from "../../protocol/protobuf/status.js";
import { WireReader, WireWriter } from "../../protocol/protobuf/wire.js";
import { answers, type GrpcExchange, type GrpcService, type Method, unary } from "./service.js";

const statuses = { SERVING: 1, NOT_SERVING: 2, SERVICE_UNKNOWN: 3 } as const;

/** How often a change is looked for while somebody watches, milliseconds. */
const watchEveryMs = 500;

/** @param isReady - Of a service by its name; undefined for one that isn't there. */
export function healthService(isReady: (service: string) => boolean | undefined): GrpcService {
  const statusOf = (name: string) => {
    const ready = isReady(name);
    if (ready === undefined) return undefined;
    return ready ? statuses.SERVING : statuses.NOT_SERVING;
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
