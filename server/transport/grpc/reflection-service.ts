/**
 * `grpc.reflection.v1.ServerReflection`, and `v1alpha` for older tools, with which it is byte for byte the same: clients
 * find services and messages without a .proto file.
 *
 * @see https://github.com/grpc/grpc/blob/master/doc/server-reflection.md
 */

import { Buffer } from "node:buffer";
import { ServeError } from "../../errors.js";
import { protoFiles } from "../../protocol/protobuf/descriptors.js";
import { statusCodes, statusHeaders } from "../../protocol/protobuf/status.js";
import { WireReader, WireWriter } from "../../protocol/protobuf/wire.js";
import { type GrpcService, type Method, okTrailers } from "./service.js";

const names = ["grpc.reflection.v1.ServerReflection", "grpc.reflection.v1alpha.ServerReflection"] as const;

/** Services that come and go, each with its file. */
export interface ChangingServices {
  readonly names: readonly string[];
  file(name: string): Uint8Array | undefined;
  fileWith(symbol: string): Uint8Array | undefined;
}

/** @param served - Names of the other services. */
export function reflectionServices(served: readonly string[], changing: ChangingServices): GrpcService[] {
  const method = reflectionMethod([...served, ...names], changing);
  return names.map((name) => ({ name, methods: { ServerReflectionInfo: method } }));
}

/** Each request is answered at once, so a caller that doesn't read its answers is what ends the stream. */
const repliesMax = 1000;

function reflectionMethod(listed: readonly string[], changing: ChangingServices): Method {
  return (exchange) => {
    let replies = 0;
    return {
      mayIdle: true,
      onMessage(message) {
        if (++replies > repliesMax) throw new ServeError("invalid_request", `expected at most ${repliesMax} questions`);
        exchange.write(answer(message, listed, changing));
      },
      onEnd: () => exchange.end(okTrailers),
      onGone: () => {},
      onDrain: () => exchange.end(statusHeaders("UNAVAILABLE", "the server ends")),
    };
  };
}

function answer(message: Buffer, listed: readonly string[], changing: ChangingServices): Buffer {
  const reader = new WireReader(message);
  let host = "";
  let asked = 0;
  let text = "";
  while (reader.next()) {
    if (reader.field === 1) host = reader.readText();
    else if (reader.field >= 3 && reader.field <= 7) {
      asked = reader.field;
      if (asked === 5) reader.skip();
      else text = reader.readText();
    } else reader.skip();
  }
  const reply = new WireWriter().text(1, host).bytes(2, message);
  if (asked === 7) {
    const services = new WireWriter();
    for (const name of [...listed, ...changing.names]) services.message(1, new WireWriter().text(1, name));
    return reply.message(6, services).finish();
  }
  // Nothing here has extensions.
  const fixed = protoFiles.find(({ name, symbols }) =>
    asked === 3 ? name === text : asked === 4 && symbols.includes(text),
  );
  const file = fixed === undefined ? changingFile(changing, asked, text) : Buffer.from(fixed.base64, "base64");
  if (file !== undefined) return reply.message(4, new WireWriter().bytes(1, file)).finish();
  const what = `there is no file or symbol ${JSON.stringify(text.slice(0, 200))}`;
  return reply.message(7, new WireWriter().integer(1, statusCodes.NOT_FOUND).text(2, what)).finish();
}

function changingFile(changing: ChangingServices, asked: number, text: string): Uint8Array | undefined {
  if (asked === 3) return changing.file(text);
  return asked === 4 ? changing.fileWith(text) : undefined;
}
