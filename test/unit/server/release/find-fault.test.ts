/** Goal: a route that would send personal data unasked, show it, or compare what isn't there is refused in a sentence. */

import { describe, expect, it, test } from "vitest";
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

/** A store whose version 1 is in a state other than ready. */
const registryIn = (state: string) =>
  ({ models: [["demand", [{ number: 1, state }]]], find: () => undefined }) as unknown as Registry;

const refused = (state: string) => `version 1 of "demand" is ${state}: a route takes versions that are ready; `;

describe("a version that isn't ready", () => {
  test.each(["unloaded", "draining", "closed"])("that is %s is loaded by the address that is named", (state) => {
    const fault = findFault(registryIn(state), "demand", { champion: 1 }, hosts);
    expect(fault).toBe(`${refused(state)}load it by POST /models/demand/versions/1/load`);
  });

  test.each(["loading", "proving", "failed", "incomplete"])(
    "that is %s isn't helped by an order to load it",
    (state) => {
      expect(findFault(registryIn(state), "demand", { champion: 1 }, hosts)).toBe(
        `${refused(state)}see /models/demand`,
      );
    },
  );
});
