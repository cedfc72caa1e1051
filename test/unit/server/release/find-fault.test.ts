/** Goal: a route that would send personal data unasked, show it, or compare what isn't there is refused in a sentence. */

import { expect, it } from "vitest";
import { findFault } from "../../../../server/release/find-fault.js";
import { MirrorHosts } from "../../../../server/release/mirror/hosts.js";
import { newestReady } from "../../../../server/routing/newest-ready.js";
import { Registry } from "../../../../server/versions/registry.js";
import { createHandPath } from "../../../support/hand-path.js";
import { makeVersion } from "../../../support/versions.js";

const schema = {
  type: "object",
  properties: { x: { type: "number" }, patient: { type: "string", maxLength: 40, "x-pii": true } },
  required: ["x", "patient"],
  additionalProperties: false,
};
const registry = new Registry("tiny", newestReady);
createHandPath([makeVersion({ number: 1, schema })], { registry });
const hosts = new MirrorHosts(["example.com"]);
const url = "http://example.com/predict";
const faultOf = (route: object) => findFault(registry, "tiny", { champion: 1, ...route }, hosts);

it.each<[object, RegExp | undefined]>([
  [{ shadows: [{ url, features: ["x"] }] }, undefined],
  [{ shadows: [{ url, features: ["x", "patient"] }] }, undefined],
  [{ shadows: [{ url }] }, /^feature "patient" of tiny\/1 is required, and personal data/],
  [{ shadows: [{ url, features: ["y"] }] }, /^tiny\/1 has no feature "y"/],
  [{ shadows: [{ url: "http://elsewhere.com/" }] }, /mirror-hosts doesn't name elsewhere\.com:80$/],
  [{ compare: { worst_row_features: ["x"] } }, undefined],
  [{ compare: { worst_row_features: ["patient"] } }, /"patient" of tiny\/1 is personal data/],
  [{ compare: { worst_row_features: ["y"] } }, /^tiny\/1 has no feature "y"/],
  [{ compare: { ignore_outputs: ["low"] } }, /^tiny\/1 has no output "low"/],
])("%j", (route, fault) => {
  if (fault === undefined) expect(faultOf(route)).toBe(undefined);
  else expect(faultOf(route)).toMatch(fault);
});
