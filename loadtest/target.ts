/** Where the load goes. Only to this machine: a load generator that takes any address is a weapon. */

import { OptionError } from "./options.js";

export interface Target {
  readonly host: string;
  readonly port: number;
  /** Path and query. */
  readonly path: string;
}

/**
 * @param flag - The flag that the URL came by, for the message.
 * @returns The target of an `http:` URL on a loopback address (127.0.0.0/8 or ::1). `localhost` is taken as 127.0.0.1,
 *   without asking a resolver.
 * @throws OptionError that says what's wrong with the URL.
 */
export function parseTarget(url: string, flag = "url"): Target {
  if (!URL.canParse(url))
    throw new OptionError(`--${flag}: expected a URL like http://127.0.0.1:8080/predict, got ${JSON.stringify(url)}`);
  const { protocol, hostname, port, pathname, search } = new URL(url);
  if (protocol !== "http:")
    throw new OptionError(`--${flag}: expected a URL that begins with http://, got ${JSON.stringify(url)}`);
  const host = loopbackHost(hostname);
  if (host === undefined) {
    throw new OptionError(
      `--${flag}: load is sent to this machine only (127.0.0.0/8, [::1] or localhost), got the host ${JSON.stringify(hostname)}`,
    );
  }
  return { host, port: port === "" ? 80 : Number(port), path: pathname + search };
}

/** The bytes of a POST request with a JSON body, ready for a kept-alive connection. */
export function requestBytes(
  { host, port, path }: Target,
  body: string,
  headers: Readonly<Record<string, string | number>> = {},
): Buffer {
  const further = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return Buffer.from(
    `POST ${path} HTTP/1.1\r\nhost: ${bracketed(host)}:${port}\r\ncontent-type: application/json\r\n${further.join("")}` +
      `content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
}

export function targetUrl({ host, port, path }: Target): string {
  return `http://${bracketed(host)}:${port}${path}`;
}

function loopbackHost(hostname: string): string | undefined {
  // The URL parser has already brought forms like 127.1 and 0x7f000001 to four decimal numbers.
  if (/^127\.\d+\.\d+\.\d+$/.test(hostname)) return hostname;
  if (hostname === "localhost") return "127.0.0.1";
  if (hostname === "[::1]") return "::1";
  return undefined;
}

const bracketed = (host: string) => (host.includes(":") ? `[${host}]` : host);
