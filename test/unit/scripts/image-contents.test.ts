/**
 * Goal: the image holds every package that production needs and no other, and of each what Node can load there and no
 * more.
 */

import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";

interface Target {
  readonly platform: string;
  readonly arch: string;
  readonly abi: string;
}
const { isBundled, isKept, packageName, productionPackages, requiredNatives } = (await import(
  new URL("../../../scripts/image/contents.mjs", import.meta.url).href
)) as {
  isBundled(specifier: string): boolean;
  isKept(name: string, path: string, target: Target): boolean;
  packageName(path: string): string;
  productionPackages(packages: Record<string, object>, target: Target): string[];
  requiredNatives(target: Target): string[];
};

const target = { platform: "linux", arch: "x64", abi: "137" };

describe("the packages of production", () => {
  test("are those that the project's dependencies need, and theirs, looked for as Node does", () => {
    const packages = {
      "": { dependencies: { a: "1" }, devDependencies: { dev: "1" } },
      "node_modules/a": { dependencies: { b: "1", "@s/c": "1" } },
      "node_modules/a/node_modules/b": { dependencies: { c: "1", b2: "1" } },
      "node_modules/a/node_modules/b2": {},
      "node_modules/b": { dependencies: { unreached: "1" } },
      "node_modules/c": { peerDependencies: { a: "1" } },
      "node_modules/@s/c": {},
      "node_modules/dev": {},
      "node_modules/unreached": {},
    };
    expect(productionPackages(packages, target)).toEqual([
      "node_modules/@s/c",
      "node_modules/a",
      "node_modules/a/node_modules/b",
      "node_modules/a/node_modules/b2",
      "node_modules/c",
    ]);
  });

  test("leave out an optional one of another platform, and one that isn't there", () => {
    const packages = {
      "": { dependencies: { a: "1" } },
      "node_modules/a": { optionalDependencies: { "for-linux": "1", "for-mac": "1", "for-arm": "1", gone: "1" } },
      "node_modules/for-linux": { optional: true, os: ["linux"], cpu: ["x64"] },
      "node_modules/for-mac": { optional: true, os: ["darwin"], cpu: ["x64"] },
      "node_modules/for-arm": { optional: true, os: ["linux"], cpu: ["arm64"] },
    };
    expect(productionPackages(packages, target)).toEqual(["node_modules/a", "node_modules/for-linux"]);
  });

  test("are refused where one that must be there isn't locked", () => {
    const packages = { "": { dependencies: { a: "1" } }, "node_modules/a": { dependencies: { gone: "1" } } };
    expect(() => productionPackages(packages, target)).toThrow("node_modules/a needs gone");
  });

  test("are, of the real lockfile, all that the project depends on, nothing of the tests, and nothing that only installs", () => {
    const { packages } = JSON.parse(readFileSync("package-lock.json", "utf8"));
    const names: string[] = productionPackages(packages, target).map(packageName);
    expect(names).toEqual(expect.arrayContaining(Object.keys(packages[""].dependencies)));
    for (const name of [...Object.keys(packages[""].devDependencies), "adm-zip", "global-agent", "semver"])
      expect(names).not.toContain(name);
    for (const path of productionPackages(packages, target)) expect(packages[path].dev, path).toBeUndefined();
  });
});

describe("of a package, the image", () => {
  test.each([
    ["zod", "LICENSE"],
    ["a", "LICENSE.md"],
    ["a", "dist/NOTICE.txt"],
    ["a", "docs/ThirdPartyNotices.txt"],
    ["a", "package.json"],
    ["a", "lib/contest/best.js"],
    ["@opentelemetry/sdk-trace", "build/src/index.js"],
    ["uWebSockets.js", "uws_linux_x64_137.node"],
    ["uWebSockets.js", "uws.js"],
    ["onnxruntime-node", "bin/napi-v6/linux/x64/libonnxruntime.so.1"],
    ["onnxruntime-node", "dist/index.js"],
    ["onnxruntime-common", "dist/cjs/index.js"],
    ["lru-cache", "LICENSE.md"],
  ])("holds %s's %s", (name, path) => expect(isKept(name, path, target)).toBe(true));

  test.each([
    ["zod", "index.js"],
    ["zod", "package.json"],
    ["lru-cache", "dist/esm/node/index.min.js"],
    ["a", "index.d.ts"],
    ["a", "src/index.ts"],
    ["a", "README.md"],
    ["a", "index.js.map"],
    ["a", "test/a.js"],
    ["a", "lib/__tests__/a.js"],
    ["a", ".github/labels.json"],
    ["@opentelemetry/sdk-trace", "build/esm/index.js"],
    ["@opentelemetry/sdk-trace", "build/esnext/index.js"],
    ["uWebSockets.js", "uws_linux_x64_115.node"],
    ["uWebSockets.js", "uws_linux_arm64_137.node"],
    ["uWebSockets.js", "uws_darwin_x64_137.node"],
    ["onnxruntime-node", "bin/napi-v6/linux/arm64/libonnxruntime.so.1"],
    ["onnxruntime-node", "bin/napi-v6/win32/x64/onnxruntime.dll"],
    ["onnxruntime-node", "script/install.js"],
    ["onnxruntime-common", "dist/esm/index.js"],
  ])("doesn't hold %s's %s", (name, path) => expect(isKept(name, path, target)).toBe(false));

  test.each([
    ["zod", true],
    ["zod/v4/core", true],
    ["lru-cache", true],
    ["zodiac", false],
    ["piscina", false],
    ["@opentelemetry/api", false],
    ["node:fs", false],
  ])("has the code of %s among its own files: %s", (name, expected) => expect(isBundled(name)).toBe(expected));

  test("must hold the two native libraries of its platform", () => {
    expect(requiredNatives({ platform: "linux", arch: "arm64", abi: "127" })).toEqual([
      "uWebSockets.js/uws_linux_arm64_127.node",
      "onnxruntime-node/bin/napi-v6/linux/arm64/onnxruntime_binding.node",
    ]);
  });
});
