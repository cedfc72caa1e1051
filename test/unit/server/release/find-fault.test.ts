import { describe, expect, test } from "vitest";
import { findFault } from "../../../../server/release/find-fault.js";
import type { Registry } from "../../../../server/versions/registry.js";

/** A store whose version 1 is in a state other than ready. */
const registryIn = (state: string) =>
  ({ models: [["demand", [{ number: 1, state }]]], find: () => undefined }) as unknown as Registry;

const refused = (state: string) => `version 1 of "demand" is ${state}: a route takes versions that are ready; `;

describe("a version that isn't ready", () => {
  test.each(["unloaded", "draining", "closed"])("that is %s is loaded by the address that is named", (state) => {
    const fault = findFault(registryIn(state), "demand", { champion: 1 });
    expect(fault).toBe(`${refused(state)}load it by POST /models/demand/versions/1/load`);
  });

  test.each(["loading", "proving", "failed", "incomplete"])(
    "that is %s isn't helped by an order to load it",
    (state) => {
      expect(findFault(registryIn(state), "demand", { champion: 1 })).toBe(`${refused(state)}see /models/demand`);
    },
  );
});
