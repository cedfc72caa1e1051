/** Goal: a browser gets a page, a program JSON; and compressed is what is sent to who takes it. */

import { expect, test } from "vitest";
import { prefersHtml, takesGzip } from "../../../../server/transport/accept.js";

test.each([
  ["text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8", true],
  ["text/html", true],
  ["TEXT/HTML; charset=utf-8", true],
  ["application/json;q=0.5, text/html", true],
  ["application/xhtml+xml", true],
  ["", false],
  ["*/*", false],
  ["text/*", false],
  ["application/json", false],
  ["application/json, text/html;q=0.9", false],
  ["application/json, text/plain, */*", false],
  ["text/html;q=0", false],
  ["text/html;q=x", false],
  [`${"a/b,".repeat(5_000)}text/html`, false],
])("%.60s: HTML is %s", (accept, html) => expect(prefersHtml(accept)).toBe(html));

test.each([
  ["gzip", true],
  ["GZIP", true],
  ["deflate, gzip;q=0.5", true],
  ["br, *", true],
  ["", false],
  ["identity", false],
  ["gzip;q=0, *", false],
  ["*;q=0", false],
  ["x-gzip", false],
])("%s: takes gzip is %s", (acceptEncoding, takes) => expect(takesGzip(acceptEncoding)).toBe(takes));
