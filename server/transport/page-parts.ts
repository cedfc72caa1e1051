/** What the pages for people are made of: files of `ui/`, and headers that let a browser run and load nothing else. */

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

/** @param name - Within `ui/`. */
export function readUi(name: string): string {
  return readFileSync(createRequire(import.meta.url).resolve(`#ui/${name}`), "utf8").trimEnd();
}

/** An icon as a page's own. */
export function iconAddress(svg: string): string {
  const image = svg.replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ').replaceAll("currentColor", "#0b6e5f");
  return `data:image/svg+xml,${encodeURIComponent(image)}`;
}

/**
 * Names and values in turn.
 *
 * @param asks - Whether the script asks the server that the page comes from.
 */
export function pageHeaders(style: string, script: string, asks = false): readonly string[] {
  const connect = asks ? "connect-src 'self'; " : "";
  const policy = `default-src 'none'; style-src ${hash(style)}; script-src ${hash(script)}; ${connect}img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`;
  return ["content-security-policy", policy, "x-content-type-options", "nosniff", "referrer-policy", "no-referrer"];
}

function hash(text: string): string {
  return `'sha256-${createHash("sha256").update(text).digest("base64")}'`;
}
