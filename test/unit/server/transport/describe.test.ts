/**
 * Goal: whoever asks what is served sees the models, their versions, which of them answers, and why another doesn't.
 */

import { expect, test } from "vitest";
import { newestReady } from "../../../../server/routing/newest-ready.js";
import { describeModel, describeModels } from "../../../../server/transport/describe.js";
import { Registry } from "../../../../server/versions/registry.js";
import { UnreadVersion } from "../../../../server/versions/unread-version.js";
import { makeVersion, namedGraph, oneNumberSchema } from "../../../support/versions.js";

const failed = makeVersion({ name: "demand", number: 3, state: "proving" });
failed.fail(["inline: golden.jsonl line 3: expected 1, got 2"]);
const champion = makeVersion({ name: "demand", number: 2, sloMs: 50 });
const old = makeVersion({ name: "demand", number: 1 });
const spam = makeVersion({ name: "spam", state: "loading", task: "classification" });
const registry = new Registry(undefined, newestReady);
for (const version of [old, failed, spam, champion]) registry.add(version);

test("all models", () => {
  expect(describeModels(registry)).toEqual({
    models: [
      {
        name: "demand",
        task: "regression",
        serving: 2,
        versions: [
          { version: 3, state: "failed", reason: "refused: inline: golden.jsonl line 3: expected 1, got 2" },
          { version: 2, state: "ready" },
          { version: 1, state: "ready" },
        ],
      },
      { name: "spam", task: "classification", serving: null, versions: [{ version: 1, state: "loading" }] },
    ],
  });
});

test("one model, with its schema", () => {
  expect(describeModel(registry, "demand")).toMatchObject({
    name: "demand",
    serving: 2,
    schema: oneNumberSchema,
    versions: [
      {
        version: 3,
        state: "failed",
        role: "standby",
        problems: ["inline: golden.jsonl line 3: expected 1, got 2"],
        proof: null,
      },
      { version: 2, state: "ready", role: "champion", problems: [], slo: { p95_ms: 50 } },
      { version: 1, state: "ready", role: "standby" },
    ],
  });
});

test("how true a version is, flips among it", () => {
  const parity = {
    ...champion.contract.bundle.manifest.parity,
    flips: { rows: 60, differing: 3, largest: 0.79, allowed: 0.5 },
  };
  const manifest = { ...champion.contract.bundle.manifest, parity };
  const measured = makeVersion({ name: "trees" });
  const described = new Registry(undefined, newestReady);
  measured.contract = { ...measured.contract, bundle: { ...measured.contract.bundle, manifest } };
  described.add(measured);
  expect(describeModel(described, "trees")).toMatchObject({ versions: [{ parity }] });
});

test("what the numbers of a prediction are called, where there are several", () => {
  const several = new Registry(undefined, newestReady);
  several.add(makeVersion({ name: "band", postprocessing: namedGraph(["low", "high"]) }));
  expect(describeModel(several, "band")).toMatchObject({ versions: [{ outputs: ["low", "high"] }] });
  expect(describeModel(registry, "demand")).toMatchObject({
    versions: [{ outputs: null }, { outputs: null }, { outputs: null }],
  });
});

test("engines are told by model, with the reason where it isn't the tree kernel", () => {
  const vote = makeVersion({ name: "vote" });
  vote.engines = [
    { model: "trees", engine: "tree", reason: undefined, differed: false },
    { model: "linear", engine: "onnxruntime", reason: "it has no TreeEnsemble", differed: false },
  ];
  const here = new Registry(undefined, newestReady);
  here.add(vote);
  expect(describeModel(here, "vote")).toMatchObject({
    versions: [
      {
        engine: "mixed",
        engines: [
          { model: "trees", engine: "tree", reason: null },
          { model: "linear", engine: "onnxruntime", reason: "it has no TreeEnsemble" },
        ],
      },
    ],
  });
  expect(describeModel(registry, "demand")).toMatchObject({ versions: [{}, { engine: null, engines: [] }, {}] });
});

test("one that nobody serves has its schema, too", () => {
  expect(describeModel(registry, "spam")).toMatchObject({
    serving: null,
    schema: oneNumberSchema,
    versions: [{ role: "standby" }],
  });
});

test("a version that couldn't be read, or isn't whole yet, or isn't needed, with the reason", () => {
  const store = new Registry(undefined, newestReady);
  const versions = [4, 3, 2, 1].map((number) => new UnreadVersion("demand", number)) as [
    UnreadVersion,
    UnreadVersion,
    UnreadVersion,
    UnreadVersion,
  ];
  versions[0].fail("damaged", ["model.onnx: expected 5 bytes, got 4", "card.md: expected this file, got none"]);
  versions[1].fail("incomplete", ["manifest.json: expected this file, got none"]);
  versions[3].leave("the newest 2 versions are loaded");
  for (const version of versions) store.add(version);
  const states = [
    { version: 4, state: "failed", reason: "damaged: model.onnx: expected 5 bytes, got 4" },
    { version: 3, state: "incomplete", reason: "incomplete: manifest.json: expected this file, got none" },
    { version: 2, state: "loading" },
    { version: 1, state: "unloaded", reason: "the newest 2 versions are loaded" },
  ];
  expect(describeModels(store)).toEqual({ models: [{ name: "demand", task: null, serving: null, versions: states }] });
  const described = describeModel(store, "demand");
  expect(described).toMatchObject({
    serving: null,
    schema: null,
    versions: states.map((state) => ({ reason: null, ...state, proof: null })),
  });
  expect(described).toMatchObject({
    versions: [{ problems: [expect.any(String), "card.md: expected this file, got none"] }, {}, {}, {}],
  });
});

test("one that isn't there", () => {
  expect(() => describeModel(registry, "ham")).toThrow(expect.objectContaining({ code: "model_not_found" }));
});
