/** Goal: whoever turns on TLS or HTTP/2 towards a plain port is told so, and nobody else. */

import { Buffer } from "node:buffer";
import { expect, test } from "vitest";
import { foreignProtocol } from "../../../../../server/transport/http/foreign-protocol.js";

test.each([
  [Buffer.from([0x16, 0x03, 0x01, 0x02, 0x00, 0x01]), "TLS"],
  [Buffer.from([0x16, 0x03, 0x03]), "TLS"],
  [Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), "HTTP/2"],
  [Buffer.from("PRI * HTTP/1.1\r\n"), undefined],
  [Buffer.from([0x16, 0x04]), undefined],
  [Buffer.from("GET / HTTP/1.1\r\n"), undefined],
  [Buffer.from([0x16]), undefined],
  [Buffer.alloc(0), undefined],
])("%s: %s", (bytes, protocol) => {
  expect(foreignProtocol(bytes)).toBe(protocol);
});
