/**
 * Goal: where a model has a route, each call gets the version and the arm that the route says, in every protocol the same
 * for the same key; where it hasn't, nothing is different.
 */

import { describe, expect, it } from "vitest";
import { createPath } from "../../../../server/path/predict.js";
import { Arms } from "../../../../server/routing/arms.js";
import { armAt, bucketOf } from "../../../../server/routing/assignment.js";
import { newestReady } from "../../../../server/routing/newest-ready.js";
import type { Route } from "../../../../server/routing/route.js";
import { RouteTable } from "../../../../server/routing/route-table.js";
import { routed } from "../../../../server/routing/routed.js";
import { Registry } from "../../../../server/versions/registry.js";
import { members } from "../../../contract/protocol/members.js";
import type { CallOptions } from "../../../support/calls.js";
import { createHandPath } from "../../../support/hand-path.js";
import { makeVersion, type VersionOptions } from "../../../support/versions.js";

const schema = {
  type: "object",
  properties: { x: { type: "number" }, who: { type: ["string", "null"] }, age: { type: "integer" } },
  required: ["x"],
  additionalProperties: false,
};

function createRig(route: Route | undefined, { mayForce = true, third = {} as VersionOptions } = {}) {
  const table = new RouteTable();
  const registry = new Registry("tiny", routed(table, newestReady));
  const versions = [1, 2, 3].map((number) => makeVersion({ number, schema, ...(number === 3 && third) }));
  const rig = createHandPath(versions, { registry });
  if (route !== undefined) table.swap({ tiny: route });
  const path = createPath({ ...rig.parts, arms: new Arms(table, registry, mayForce) });

  /** As a transport does it. */
  function send(options: CallOptions): { version: number | undefined; arm: string | undefined; error?: string } {
    const { call, sent } = rig.send(options, {
      ...path,
      predict: (call) => {
        if (path.announce(call, call.bodyBytes) !== undefined) path.predict(call);
      },
    });
    rig.turns.untilQuiet();
    while (rig.submitted.length > 0) rig.run();
    const { error } = sent[0] ?? {};
    return { version: call.version?.number, arm: call.arm?.shown, ...(error && { error: error.message }) };
  }
  return { send, table, versions, rig };
}

const halves: Route = { champion: 1, canary: { version: 2, share: 0.3 }, assign_by: { feature: "who" } };
const row = (who?: unknown) => JSON.stringify({ x: 1, who });
const keys = Array.from({ length: 60 }, (_, index) => `customer-${index}`);
const expectedOf = (key: string, salt = "tiny/2") => armAt(bucketOf(salt, key), 3000);

it("a model without a route has its newest version, and no arm", () => {
  const { send } = createRig(undefined);
  expect(send({ body: row("a"), headers: { "x-plumb-arm": "1" } })).toEqual({ version: 3, arm: undefined });
});

it("a route names the champion, and a newer version serves nothing but its own address", () => {
  const { send } = createRig({ champion: 1 });
  expect(send({ body: row("a") })).toEqual({ version: 1, arm: "champion" });
  expect(send({ body: row("a"), version: "3" })).toEqual({ version: 3, arm: undefined });
});

describe.each(members)("by a feature, in $protocol.name", ({ protocol, write }) => {
  it("a key has its arm, of row 0", () => {
    const { send, versions } = createRig(halves);
    const { features } = versions[0]!.rowSchema;
    for (const key of keys) {
      const rows = [key, "other"].map((who) => ({ x: 1, who }));
      const { body, contentType, headers } = write(rows as never, features, { partial: false } as never);
      const arm = expectedOf(key);
      expect(send({ body, contentType, headers, protocol })).toEqual({ version: arm === "canary" ? 2 : 1, arm });
    }
  });
});

it("a key that is missing, null or of a row that is none has the champion", () => {
  const { send } = createRig(halves);
  for (const body of [row(), row(null), "[5]", '[{"x": 1}, {"x": 1, "who": "customer-1"}]'])
    expect(send({ body })).toMatchObject({ version: 1, arm: "champion" });
});

it("a number is a key, however it is written", () => {
  const { send } = createRig({ ...halves, assign_by: { feature: "age" } });
  const arms = Array.from({ length: 50 }, (_, age) =>
    [`{"x":1,"age":${age}}`, `{"x":1,"age":${age}.0}`].map((body) => send({ body }).arm),
  );
  expect(arms).toEqual(Array.from({ length: 50 }, (_, age) => [expectedOf(String(age)), expectedOf(String(age))]));
});

it("by a header, and by the id of the request", () => {
  const byHeader = createRig({ ...halves, assign_by: { header: "x-tenant" }, salt: "s" });
  const byId = createRig({ champion: 1, canary: { version: 2, share: 0.3 } });
  for (const key of keys) {
    expect(byHeader.send({ body: row(), headers: { "x-tenant": key } }).arm).toBe(expectedOf(key, "s"));
    expect(byId.send({ body: row(), requestId: key }).arm).toBe(expectedOf(key));
  }
  expect(byHeader.send({ body: row() }).arm).toBe("champion");
});

describe("a canary of another schema", () => {
  const third: VersionOptions = {
    schema: { ...schema, properties: { ...schema.properties, more: { type: "number" } } },
  };
  const route: Route = { champion: 1, canary: { version: 3, share: 1 }, assign_by: { feature: "who" } };

  it("decodes its calls itself", () => {
    const { send } = createRig(route, { third });
    expect(send({ body: '{"x": 1, "who": "a", "more": 2}' })).toEqual({ version: 3, arm: "canary" });
    // Without the key it is the champion's, which doesn't know the field.
    expect(send({ body: '{"x": 1, "more": 2}' })).toMatchObject({ version: 1, arm: "champion" });
  });

  it("also where they are large", () => {
    const { send } = createRig(route, { third });
    const rows = Array.from({ length: 3000 }, () => ({ x: 1, who: "a", more: 2 }));
    expect(send({ body: JSON.stringify({ rows }) })).toEqual({ version: 3, arm: "canary" });
  });
});

it("a canary that isn't ready means the champion; a champion that isn't is no answer", () => {
  const { send, versions } = createRig({ ...halves, canary: { version: 2, share: 1 } });
  expect(send({ body: row("a") }).arm).toBe("canary");
  void versions[1]!.drain();
  expect(send({ body: row("a") })).toEqual({ version: 1, arm: "champion" });
  void versions[0]!.drain();
  expect(send({ body: row("a") }).error).toMatch(/model "tiny" isn't ready/);
  expect(send({ body: row("a"), model: "tiny", headers: { "x-plumb-arm": "3" } })).toEqual({ version: 3, arm: "3" });
});

describe("x-plumb-arm", () => {
  const asked = (arm: string) => ({ body: row("a"), headers: { "x-plumb-arm": arm } });

  it("forces an arm, which is no part of the experiment", () => {
    const { send } = createRig({ ...halves, canary: { version: 2, share: 0 } });
    expect(send(asked("canary"))).toEqual({ version: 2, arm: "canary" });
    expect(send(asked("champion"))).toEqual({ version: 1, arm: "champion" });
    expect(send(asked("3"))).toEqual({ version: 3, arm: "3" });
    expect(send(asked("4")).error).toMatch(/has no version "4"/);
    expect(send(asked("shadow")).error).toBe('x-plumb-arm: expected canary, champion or a version, got "shadow"');
    expect(createRig({ champion: 1 }).send(asked("canary")).error).toMatch(/expected champion or a version/);
  });

  it("is not read where the setting is off", () => {
    const { send } = createRig({ champion: 1 }, { mayForce: false });
    expect(send(asked("3"))).toEqual({ version: 1, arm: "champion" });
  });
});

it("a call keeps no version from being unloaded, whichever arm it had", async () => {
  const { send, versions } = createRig({ ...halves, canary: { version: 2, share: 0.5 } });
  for (const key of keys) send({ body: row(key) });
  expect(versions.map(({ references }) => references)).toEqual([0, 0, 0]);
});
