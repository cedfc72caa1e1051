/** Goal: each model has a package of its own, and the package says which model it is. */

import * as fc from "fast-check";
import { expect, test } from "vitest";
import {
  modelOfPackage,
  ownerOf,
  packageOf,
  protoFileOf,
} from "../../../../../server/protocol/typed-proto/service-name.js";

test.each([
  ["demand", "demand"],
  ["breast-cancer", "breast_cancer"],
  ["breast_cancer", "breast__cancer"],
  ["v1.2", "v1P2"],
  ["2-step", "N2_step"],
  ["a--b", "aDDb"],
  ["a-_b", "aD__b"],
])("%s is plumb.models.%s", (model, part) => {
  expect(packageOf(model)).toBe(`plumb.models.${part}`);
  expect(modelOfPackage(part)).toBe(model);
});

test("every name comes back", () => {
  const name = fc.stringMatching(/^[a-z0-9][a-z0-9._-]{0,10}$/);
  fc.assert(fc.property(name, (model) => modelOfPackage(packageOf(model).slice("plumb.models.".length)) === model));
});

test("what is no model's package is refused", () => {
  for (const part of ["Demand", "a.b", "a-b", "a___b", "", "NaN"])
    expect(() => modelOfPackage(part), part).toThrow(expect.objectContaining({ code: "model_not_found" }));
});

test("a full name says whose it is", () => {
  expect(ownerOf("plumb.models.breast_cancer.Predictor")).toEqual({ modelName: "breast-cancer", rest: "Predictor" });
  expect(ownerOf("plumb.models.demand.Prediction.ProbabilitiesEntry")?.rest).toBe("Prediction.ProbabilitiesEntry");
  expect(ownerOf("inference.GRPCInferenceService")).toBeUndefined();
  expect(protoFileOf("v1.2")).toBe("plumb/models/v1P2.proto");
});
