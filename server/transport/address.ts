/**
 * Addresses as they arrive: uWebSockets.js neither decodes nor normalises them, so `..` and `//` mean nothing here.
 *
 * What a caller names is bounded before anything quotes it, logs it or keeps it: a whole address, and the names in it.
 */

import { ServeError } from "../errors.js";

/**
 * Characters of the longest address that is looked at: the longest that leads anywhere has some 300, all of it
 * percent-encoded.
 */
export const addressCharsMax = 512;
/**
 * Characters of a name or a version that are repeated. No model has a longer name, `.onnx` behind it included, and none
 * a version of so many digits.
 */
export const nameCharsMax = 69;
/** Characters of an address, in messages and in the log. */
const shownCharsMax = 200;

/** @throws {@link ServeError} route_not_found for one that is too long to lead anywhere. */
export function checkLength(path: string): void {
  if (path.length <= addressCharsMax) return;
  const begin = JSON.stringify(path.slice(0, nameCharsMax));
  throw new ServeError(
    "route_not_found",
    `nothing is served at an address of ${path.length} characters: expected at most ${addressCharsMax}, got one that begins with ${begin}`,
  );
}

/** As much of an address as is repeated. */
export function shownAddress(path: string): string {
  return path.slice(0, shownCharsMax);
}

/**
 * Decodes the name of a model, or a version's, as it stands between two slashes; once.
 *
 * @returns At most {@link nameCharsMax} characters; of a longer one its beginning and "…", which no name has.
 * @throws {@link ServeError} invalid_request when it isn't percent-encoded UTF-8.
 */
export function decodeName(segment: string): string {
  return boundName(decodeSegment(segment));
}

function decodeSegment(segment: string): string {
  if (!segment.includes("%")) return segment;
  try {
    return decodeURIComponent(segment);
  } catch {
    throw new ServeError(
      "invalid_request",
      `the address isn't percent-encoded UTF-8: ${JSON.stringify(segment.slice(0, nameCharsMax))}`,
    );
  }
}

export function boundName(name: string): string {
  return name.length <= nameCharsMax ? name : `${name.slice(0, nameCharsMax)}…`;
}

/**
 * The version that a query names: `?version=3`. All other members are ignored, because proxies and trackers add their
 * own.
 *
 * @param fromPath - The version that the address itself names.
 * @returns `fromPath` where the query names none.
 * @throws {@link ServeError} invalid_request for two that differ.
 */
export function versionOf(query: string, fromPath: string | undefined): string | undefined {
  if (!query.includes("version=")) return fromPath;
  const named = new URLSearchParams(query).getAll("version").map(boundName);
  const [version = fromPath] = fromPath === undefined ? named : [fromPath];
  const other = named.find((name) => name !== version);
  if (other !== undefined) {
    const both = `${JSON.stringify(version)} and ${JSON.stringify(other)}`;
    throw new ServeError("invalid_request", `the address names two versions, ${both}: expected one`);
  }
  return version;
}

/** A host as it stands in a URL: an IPv6 address has brackets, and its zone an escaped percent sign. */
export function urlHost(host: string): string {
  return host.includes(":") ? `[${host.replace("%", "%25")}]` : host;
}

/** Where a listener can be reached from this machine: one on all addresses is asked on the loopback. */
export function reachableHost(host: string): string {
  if (host === "0.0.0.0") return "127.0.0.1";
  return urlHost(host === "::" ? "::1" : host);
}
