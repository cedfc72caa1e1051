/** Requests as bytes, and what each member does with them: what a build of a library can't do right stands here too. */

import type { Build } from "../../support/http-members.js";

/**
 * A status, `closes` where the connection then ends, and whose words the reply is in: the JSON of our own errors, or
 * the library's HTML. `silent`: no reply, until the connection times out. `ends`: no reply, and the connection ends at
 * once.
 */
export type Outcome =
  | "200"
  | "200 closes"
  | "404"
  | "405"
  | `${400 | 405 | 431} json closes`
  | `${400 | 431 | 505} html closes`
  | "silent"
  | "ends";

export interface RequestCase {
  readonly name: string;
  /** Each character is a byte. */
  readonly bytes: string;
  /** One for all builds, or one for each. */
  readonly outcome: Outcome | Readonly<Record<Build, Outcome>>;
}

export const body = '{"value":1}';
export const head = "POST /predict HTTP/1.1\r\nhost: plumb\r\ncontent-type: application/json\r\n";
export const length = `content-length: ${body.length}\r\n`;
export const chunk = (text: string) => `${text.length.toString(16)}\r\n${text}\r\n`;
export const chunked = `transfer-encoding: chunked\r\n\r\n${chunk(body)}0\r\n\r\n`;

const withHeader = (header: string) => `${head}${header}\r\n${length}\r\n${body}`;
/** With the three of `head` and `length`. */
const headers = (count: number) =>
  `${head}${Array.from({ length: count - 3 }, (_, i) => `x-${i}: 1\r\n`).join("")}${length}\r\n${body}`;

const each = (node: Outcome, uws2024: Outcome, uws2026: Outcome) => ({ node, uws2024, uws2026 });
const refused = each("400 json closes", "400 html closes", "400 html closes");
/** Refused, and left waiting by the older build. */
const silentBefore = each("400 json closes", "silent", "400 html closes");
const not11 = each("400 json closes", "505 html closes", "505 html closes");

const legal: [string, string, RequestCase["outcome"]][] = [
  ["a plain request", `${head}${length}\r\n${body}`, "200"],
  ["chunks", `${head}${chunked}`, "200"],
  ["a header's name with _", withHeader("x_a: 1"), each("200", "silent", "200")],
  ["a header's name with .", withHeader("x.a: 1"), each("200", "silent", "200")],
  ["a header's name with ~", withHeader("x~a: 1"), each("200", "silent", "200")],
  ["a header's name of all the other signs of a token", withHeader("x!#$%&'*+^`|: 1"), each("200", "silent", "200")],
  ["a header without a value", withHeader("x-a:"), "200"],
  ["a tab in a header", withHeader("x-a: b\tc"), "200"],
  ["a byte beyond ASCII in a header", withHeader("x-a: b\xe9c"), "200"],
  ["98 headers", headers(98), "200"],
  ["99 headers", headers(99), each("200", "silent", "431 html closes")],
  ["100 headers", headers(100), each("200", "silent", "431 html closes")],
  ["a blank line before it", `\r\n${head}${length}\r\n${body}`, each("200", "505 html closes", "silent")],
  ["Content-Encoding: Identity", withHeader("content-encoding: Identity"), "200"],
  [
    "trailers after the chunks",
    `${head}transfer-encoding: chunked\r\n\r\n${chunk(body)}0\r\nx-after: 1\r\n\r\n`,
    each("200", "505 html closes", "505 html closes"),
  ],
  [
    "an extension of a chunk",
    `${head}transfer-encoding: chunked\r\n\r\nb;a=b\r\n${body}\r\n0\r\n\r\n`,
    each("200", "silent", "silent"),
  ],
  [
    "an absolute address",
    `GET http://plumb/health/live HTTP/1.1\r\nhost: plumb\r\n\r\n`,
    each("200", "505 html closes", "505 html closes"),
  ],
  [
    "HTTP/1.0",
    `POST /predict HTTP/1.0\r\nhost: plumb\r\ncontent-type: application/json\r\n${length}\r\n${body}`,
    each("200 closes", "505 html closes", "505 html closes"),
  ],
  [
    "HTTP/1.0 that would be kept open",
    `POST /predict HTTP/1.0\r\nconnection: keep-alive\r\ncontent-type: application/json\r\n${length}\r\n${body}`,
    each("200 closes", "505 html closes", "505 html closes"),
  ],
  ["an address and headers of 15,000 bytes", withHeader(`x-long: ${"a".repeat(15_000)}`), "200"],
  [
    "OPTIONS of everything",
    "OPTIONS * HTTP/1.1\r\nhost: plumb\r\n\r\n",
    each("404", "505 html closes", "505 html closes"),
  ],
  ["a verb that nobody knows", "BREW /predict HTTP/1.1\r\nhost: plumb\r\n\r\n", each("400 json closes", "405", "405")],
  [
    "an upgrade that is only offered",
    "GET /health/live HTTP/1.1\r\nhost: plumb\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n",
    "200",
  ],
  ["connection: close", withHeader("connection: close"), "200 closes"],
];

const illegal: [string, string, RequestCase["outcome"]][] = [
  ["101 headers", headers(101), each("431 json closes", "silent", "431 html closes")],
  ["200 headers", headers(200), each("431 json closes", "silent", "431 html closes")],
  // Sent in two pieces: what comes in one, the older build takes.
  [
    "an address over the limit",
    `GET /${"a".repeat(20_000)} HTTP/1.1\r\nhost: plumb\r\n\r\n`,
    each("431 json closes", "505 html closes", "431 html closes"),
  ],
  [
    "a header over the limit",
    withHeader(`x-long: ${"a".repeat(20_000)}`),
    each("431 json closes", "431 html closes", "431 html closes"),
  ],
  [
    "a header over the limit that doesn't end",
    `${head}x-long: ${"a".repeat(20_000)}`,
    each("431 json closes", "431 html closes", "431 html closes"),
  ],
  ["a control character in a header", withHeader("x-a: b\x01c"), silentBefore],
  ["a NUL in a header", withHeader("x-a: b\0c"), silentBefore],
  ["DEL in a header", withHeader("x-a: b\x7fc"), each("400 json closes", "200", "200")],
  [
    "a lone carriage return in a header",
    withHeader("x-request-id: a\rx-injected: 1"),
    each("400 json closes", "silent", "silent"),
  ],
  ["a lone line feed in a header", withHeader("x-request-id: a\nx-injected: 1"), silentBefore],
  ["a blank before the colon", withHeader("x-a : b"), silentBefore],
  ["a folded line", withHeader("x-a: b\r\n c"), silentBefore],
  ["a header without a colon", withHeader("x-a"), silentBefore],
  ["no host", `POST /predict HTTP/1.1\r\ncontent-type: application/json\r\n${length}\r\n${body}`, refused],
  ["a length in letters", `${head}content-length: abc\r\n\r\n${body}`, refused],
  ["a negative length", `${head}content-length: -1\r\n\r\n${body}`, refused],
  ["a length with a sign", `${head}content-length: +11\r\n\r\n${body}`, refused],
  ["a hexadecimal length", `${head}content-length: 0x0b\r\n\r\n${body}`, refused],
  ["a list of lengths", `${head}content-length: 11, 11\r\n\r\n${body}`, refused],
  ["a length beyond all numbers", `${head}content-length: 99999999999999999999\r\n\r\n${body}`, refused],
  [
    "an empty length",
    `${head}content-length:\r\n\r\n${body}`,
    each("400 json closes", "505 html closes", "400 json closes"),
  ],
  ["two lengths that differ", `${head}${length}content-length: 5\r\n\r\n${body}`, "400 json closes"],
  ["two lengths that agree", `${head}${length}${length}\r\n${body}`, "400 json closes"],
  [
    "two hosts",
    `${head}host: other\r\n${length}\r\n${body}`,
    each("400 json closes", "400 json closes", "400 html closes"),
  ],
  ["a length and chunks", `${head}${length}${chunked}`, refused],
  [
    "a coding beside chunked",
    `${head}transfer-encoding: gzip, chunked\r\n\r\n${chunk(body)}0\r\n\r\n`,
    "400 json closes",
  ],
  ["a coding that isn't chunked", `${head}transfer-encoding: gzip\r\n\r\n${chunk(body)}0\r\n\r\n`, "400 json closes"],
  ["the coding identity, and a length", `${head}transfer-encoding: identity\r\n${length}\r\n${body}`, refused],
  ["chunked twice", `${head}transfer-encoding: chunked\r\n${chunked}`, "400 json closes"],
  ["a chunk's size in letters", `${head}transfer-encoding: chunked\r\n\r\nzz\r\n${body}\r\n0\r\n\r\n`, refused],
  [
    "a chunk's size beyond all numbers",
    `${head}transfer-encoding: chunked\r\n\r\nfffffffffffffffff\r\n${body}\r\n0\r\n\r\n`,
    refused,
  ],
  [
    "a chunk that is longer than its size",
    `${head}transfer-encoding: chunked\r\n\r\nb\r\n${body}XX0\r\n\r\n`,
    each("400 json closes", "200", "200"),
  ],
  ["HTTP/1.2", "GET /health/live HTTP/1.2\r\nhost: plumb\r\n\r\n", not11],
  ["a request line without a version", "GET /health/live\r\n\r\n", not11],
  ["a blank in the address", "GET /models/a b HTTP/1.1\r\nhost: plumb\r\n\r\n", not11],
  ["lines that end in LF alone", `${head}${length}\r\n${body}`.replaceAll("\r", ""), not11],
  [
    "CONNECT",
    "CONNECT plumb:80 HTTP/1.1\r\nhost: plumb\r\n\r\n",
    each("405 json closes", "505 html closes", "505 html closes"),
  ],
  // uWebSockets.js doesn't let it be seen, so there is no line in the log either.
  ["HTTP/2's preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", each("ends", "505 html closes", "505 html closes")],
  [
    "the beginning of TLS",
    "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
    each("ends", "505 html closes", "505 html closes"),
  ],
];

export const requestCases: readonly RequestCase[] = [...legal, ...illegal].map(([name, bytes, outcome]) => ({
  name,
  bytes,
  outcome,
}));
