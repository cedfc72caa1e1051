/**
 * Goal: a call gets the version that it names, else the newest that is ready of the model that it means, else a
 * sentence that helps.
 */

import { describe, expect, test } from "vitest";
import { newestReady } from "../../../../server/routing/newest-ready.js";
import { Registry } from "../../../../server/versions/registry.js";
import type { Servable } from "../../../../server/versions/servable.js";
import { UnreadVersion } from "../../../../server/versions/unread-version.js";
import { makeVersion } from "../../../support/versions.js";

function registryOf(versions: readonly Servable[], defaultModel?: string): Registry {
  const registry = new Registry(defaultModel, newestReady);
  for (const version of versions) registry.add(version);
  return registry;
}
const refused = (code: string, message: string) =>
  expect.objectContaining({ code, message: expect.stringContaining(message) });

describe("which version answers", () => {
  test("the newest that is ready, in whatever order they came", () => {
    const [one, two, ten] = [1, 2, 10].map((number) => makeVersion({ number })) as [Servable, Servable, Servable];
    const registry = registryOf([two, ten, one]);
    expect(registry.choose("tiny", undefined)).toBe(ten);
  });

  test.each(["loading", "proving", "failed", "draining", "closed"] as const)(
    "an older one while the newest is %s",
    (state) => {
      const old = makeVersion({ number: 1 });
      expect(registryOf([makeVersion({ number: 2, state }), old]).choose("tiny", undefined)).toBe(old);
    },
  );

  test("the one that is named, though a newer one is ready", () => {
    const old = makeVersion({ number: 1 });
    expect(registryOf([old, makeVersion({ number: 2 })]).choose("tiny", "1")).toBe(old);
  });

  test("never another than the one that is named", () => {
    const registry = registryOf([makeVersion({ number: 1 }), makeVersion({ number: 2, state: "failed" })]);
    expect(() => registry.choose("tiny", "2")).toThrow(
      refused("not_ready", 'model "tiny" version 2 is failed; see /models/tiny'),
    );
    expect(() => registry.choose("tiny", "3")).toThrow(
      refused("model_not_found", 'model "tiny" has no version "3": it has 2, 1'),
    );
    for (const name of ["", "01", "1.0", "latest", " 1", "1e0"])
      expect(() => registry.choose("tiny", name)).toThrow(refused("model_not_found", "no version"));
  });

  test("none while none is ready, and the message says how they stand", () => {
    const registry = registryOf([
      makeVersion({ number: 1, state: "failed" }),
      makeVersion({ number: 2, state: "proving" }),
    ]);
    expect(() => registry.choose("tiny", undefined)).toThrow(
      refused("not_ready", 'model "tiny" isn\'t ready: its versions are 2 proving, 1 failed; see /models/tiny'),
    );
  });
});

describe("which model is meant", () => {
  const spam = makeVersion({ name: "spam" });
  const tiny = makeVersion({ name: "tiny" });

  test("the one that is named", () => {
    expect(registryOf([spam, tiny], "tiny").choose("spam", undefined)).toBe(spam);
    expect(() => registryOf([spam, tiny], "tiny").choose("ham", undefined)).toThrow(
      refused("model_not_found", 'there is no model "ham": this server has spam, tiny'),
    );
  });

  test("by default the one that is set", () => {
    expect(registryOf([spam, tiny], "tiny").choose(undefined, undefined)).toBe(tiny);
  });

  test("else the only one", () => {
    expect(registryOf([spam]).choose(undefined, undefined)).toBe(spam);
  });

  test("never another than the one that is set: not the only one, and not while it failed", () => {
    expect(() => registryOf([spam], "gone").choose(undefined, undefined)).toThrow(
      refused("model_not_found", '"gone" isn\'t in the store: use /models/{model}/predict; this server has spam'),
    );
    const failed = makeVersion({ name: "tiny", state: "proving" });
    failed.fail(["golden.jsonl line 3: expected 1, got 2"]);
    expect(() => registryOf([spam, failed], "tiny").choose(undefined, undefined)).toThrow(
      refused(
        "not_ready",
        'model "tiny" isn\'t ready: its versions are 1 failed (refused: golden.jsonl line 3: expected 1, got 2); see',
      ),
    );
    const registry = registryOf([spam], "gone");
    registry.forgetDefault();
    expect(registry.choose(undefined, undefined)).toBe(spam);
  });

  test("not the only one that is loaded, where the store names another", () => {
    const unread = new UnreadVersion("tiny", 1);
    const registry = new Registry(undefined, newestReady);
    for (const version of [spam, unread]) registry.add(version);
    expect(() => registry.choose(undefined, undefined)).toThrow(
      refused("model_not_found", "this server has spam, tiny"),
    );
  });

  test("else none: the address has to name it", () => {
    for (const registry of [registryOf([spam, tiny]), registryOf([spam, tiny], "gone")]) {
      expect(() => registry.choose(undefined, undefined)).toThrow(
        refused("model_not_found", "use /models/{model}/predict; this server has spam, tiny"),
      );
    }
  });

  test("nothing, in an empty server", () => {
    expect(() => registryOf([]).choose(undefined, undefined)).toThrow(refused("model_not_found", "none is loaded"));
    expect(() => registryOf([]).choose("tiny", undefined)).toThrow(
      refused("model_not_found", 'there is no model "tiny": none is loaded'),
    );
  });

  test("a name from Object.prototype is no model", () => {
    for (const name of ["constructor", "__proto__", "toString"])
      expect(() => registryOf([tiny]).choose(name, undefined)).toThrow(refused("model_not_found", name));
  });
});

describe("a version that couldn't be read", () => {
  const damaged = new UnreadVersion("tiny", 3);
  damaged.fail("damaged", [`model.onnx: ${"x".repeat(1000)}`]);

  test("is not ready, with the reason, cut where it is long", () => {
    for (const version of [undefined, "3"]) {
      expect(() => registryOf([damaged] as never).choose("tiny", version)).toThrow(
        refused("not_ready", "failed (damaged: model.onnx: xxx"),
      );
    }
    const registry = registryOf([damaged] as never);
    expect(() => registry.choose("tiny", undefined)).toThrow(
      expect.objectContaining({ message: expect.stringMatching(/^.{300,500}$/) }),
    );
    expect([registry.ready, registry.limits("tiny", undefined).bodyBytesMax]).toEqual([false, 1_048_576]);
  });

  test("gives way to an older one, and to what it becomes", () => {
    const old = makeVersion({ number: 2 });
    const registry = registryOf([damaged as never, old]);
    expect(registry.choose("tiny", undefined)).toBe(old);
    expect([registry.ready, registry.listed.length, registry.versions]).toEqual([true, 2, [old]]);
    const repaired = makeVersion({ number: 3 });
    registry.add(repaired);
    expect([registry.choose("tiny", undefined), registry.listed.length]).toEqual([repaired, 2]);
  });

  test("is no version for a caller if it isn't loaded because newer ones are", () => {
    const oldest = new UnreadVersion("tiny", 1);
    oldest.leave("the newest 2 versions are loaded");
    expect(() => registryOf([oldest as never, makeVersion({ number: 2 })]).choose("tiny", "1")).toThrow(
      refused("model_not_found", 'model "tiny" has no version "1": it has 2'),
    );
  });
});

describe("what a body may be", () => {
  const small = makeVersion({ name: "small", rowsMax: 5 });
  const large = makeVersion({ name: "large", rowsMax: 50_000 });
  const registry = registryOf(
    [small, large, makeVersion({ name: "large", number: 2, rowsMax: 9, state: "failed" })],
    "small",
  );

  test("is as the version says that is going to answer", () => {
    expect(registry.limits("large", undefined)).toBe(large.bodyLimits);
    expect(registry.limits(undefined, undefined)).toBe(small.bodyLimits);
    expect(registry.limits("large", "1").decode.rowsMax).toBe(50_000);
  });

  test("has bounds too where the call is going to be refused", () => {
    for (const [model, version] of [
      ["none", undefined],
      ["large", "7"],
      ["constructor", undefined],
    ] as const) {
      const { bodyBytesMax, decode } = registry.limits(model, version);
      expect([bodyBytesMax, decode.rowsMax].every((limit) => Number.isSafeInteger(limit) && limit > 0)).toBe(true);
    }
  });

  test("leaves room for the lists that a row may hold", () => {
    const withLists = makeVersion({
      rowsMax: 10,
      schema: {
        type: "object",
        properties: { x: { type: "number" }, window: { type: ["array", "null"], items: { type: "number" } } },
        required: ["x"],
        additionalProperties: false,
      },
    });
    // The envelope, its rows, context and fields, and ten rows of an object and a list each.
    expect(withLists.bodyLimits.decode.containersMax).toBe(24);
  });
});

describe("ready", () => {
  test.each([
    ["an empty server isn't", [], false],
    ["a model with a version that serves is", [makeVersion()], true],
    [
      "a model with a version that serves and one that failed is",
      [makeVersion(), makeVersion({ number: 2, state: "failed" })],
      true,
    ],
    ["a model without one isn't", [makeVersion({ state: "proving" })], false],
    [
      "two models of which one has none aren't",
      [makeVersion(), makeVersion({ name: "other", state: "failed" })],
      false,
    ],
  ] as const)("%s", (_name, versions, ready) => {
    expect(registryOf(versions).ready).toBe(ready);
  });
});

test("lists models by the alphabet and versions newest first", () => {
  const versions = [
    makeVersion({ name: "b" }),
    makeVersion({ name: "a", number: 1 }),
    makeVersion({ name: "a", number: 3 }),
  ];
  const registry = registryOf(versions);
  expect(registry.models.map(([name, list]) => [name, list.map(({ number }) => number)])).toEqual([
    ["a", [3, 1]],
    ["b", [1]],
  ]);
  expect(new Set(registry.versions)).toEqual(new Set(versions));
  expect(registry.model("a").map(({ key }) => key)).toEqual(["a/3", "a/1"]);
});

test("an error names some of many models, and says how many more there are", () => {
  const registry = registryOf(Array.from({ length: 300 }, (_, i) => makeVersion({ name: `m${1000 + i}` })));
  expect(() => registry.model("gone")).toThrow(refused("model_not_found", "m1018, m1019 and 280 more (GET /models)"));
});
