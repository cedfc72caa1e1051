/** When does node_modules count as what package-lock.json says? */

import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";

interface Entry {
  readonly version: string;
  readonly integrity?: string;
  readonly optional?: boolean;
  readonly os?: readonly string[];
  readonly cpu?: readonly string[];
  readonly libc?: readonly string[];
}
type Packages = Record<string, Entry>;
interface Platform {
  readonly platform: string;
  readonly arch: string;
}
const { lockDifference } = (await import(new URL("../../../scripts/setup/dependencies.mjs", import.meta.url).href)) as {
  lockDifference(
    wanted: Packages,
    installed: Packages,
    platform: Platform,
    present: (path: string) => boolean,
  ): string | undefined;
};

const here = { platform: "linux", arch: "x64" };
const everywhere = () => true;
const a = { version: "1.0.0", integrity: "sha512-a" };
const root = { version: "0.1.0" };

describe("node_modules against package-lock.json", () => {
  it("is current when all that is wanted is there", () => {
    expect(
      lockDifference({ "": root, "node_modules/a": a }, { "node_modules/a": a }, here, everywhere),
    ).toBeUndefined();
  });

  it.each([
    ["a package is missing", { "node_modules/a": a }, {}, "a is missing"],
    [
      "a version has changed",
      { "node_modules/a": a },
      { "node_modules/a": { ...a, version: "1.0.1" } },
      "a has changed",
    ],
    [
      "a hash has changed",
      { "node_modules/a": a },
      { "node_modules/a": { ...a, integrity: "sha512-b" } },
      "a has changed",
    ],
    ["a package is left over", {}, { "node_modules/a/node_modules/@b/c": a }, "@b/c is no longer wanted"],
  ])("%s", (_, wanted, installed, expected) => {
    expect(lockDifference(wanted, installed, here, everywhere)).toBe(expected);
  });

  it("sees a folder that was deleted behind npm's back", () => {
    expect(lockDifference({ "node_modules/a": a }, { "node_modules/a": a }, here, () => false)).toBe("a is missing");
  });

  it.each([
    ["for another system", { os: ["darwin"], cpu: ["x64"] }, undefined],
    ["for another processor", { os: ["linux"], cpu: ["arm64"] }, undefined],
    ["for a C library that npm knows better", { os: ["linux"], cpu: ["x64"], libc: ["musl"] }, undefined],
    ["needed by such a package only", {}, undefined],
    ["for this very platform", { os: ["linux"], cpu: ["x64"] }, "a is missing"],
  ])("may lack an optional package %s: %s", (_, limits, expected) => {
    expect(lockDifference({ "node_modules/a": { ...a, optional: true, ...limits } }, {}, here, everywhere)).toBe(
      expected,
    );
  });

  it("takes this very checkout, whose tests run, as current", () => {
    const packages = (path: string) => (JSON.parse(readFileSync(path, "utf8")) as { packages: Packages }).packages;
    expect(
      lockDifference(packages("package-lock.json"), packages("node_modules/.package-lock.json"), process, everywhere),
    ).toBeUndefined();
  });
});
