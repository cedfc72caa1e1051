/** The docs say what the code says: tables are held to their source, links and commands to what is there. */

import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { describe, expect, it } from "vitest";
import { describeSettings } from "../../server/config.js";
import { type ErrorCode, errorTable, isFallbackReason } from "../../server/errors.js";
import { adminRoutes } from "../../server/transport/admin-routes.js";
import type { ServedAddress } from "../../server/transport/router.js";
import { publicRoutes } from "../../server/transport/routes.js";

const pages = execFileSync("git", ["ls-files", "--cached", "--others", "--exclude-standard", "*.md"], {
  encoding: "utf8",
})
  .split("\n")
  .filter((path) => path !== "" && existsSync(path) && !path.startsWith("models/"));

const page = (path: string): string => readFileSync(path, "utf8");

/** The cells of each row of the table under this header, without the markup that stands for plain text. */
function table(text: string, header: string): string[][] {
  const lines = text.split("\n");
  const start = lines.indexOf(header);
  if (start < 0) return [];
  const rest = lines.slice(start + 2);
  const end = rest.findIndex((line) => !line.startsWith("|"));
  return rest.slice(0, end < 0 ? undefined : end).map((line) =>
    line
      .slice(1, -1)
      .split(/(?<!\\)\|/)
      .map((cell) =>
        cell
          .trim()
          .replace(/^`(.*)`$/, "$1")
          .replaceAll("\\", ""),
      ),
  );
}

it("docs/errors.md has the table of errors, code by code", () => {
  const expected = Object.entries(errorTable).map(([code, { http, retry, meaning }]) => [
    code,
    String(http),
    retry ? "yes" : "no",
    isFallbackReason(code as ErrorCode) ? "yes" : "no",
    meaning,
  ]);
  expect(table(page("docs/errors.md"), "| code | HTTP | again | fallback | meaning |")).toEqual(expected);
});

it("docs/http.md has every address of both listeners, and every code under its status", () => {
  const cells = ({ verb, address, what }: ServedAddress) => [verb, address, what];
  expect(table(page("docs/http.md"), "| verb | public address | what it answers |")).toEqual(publicRoutes.map(cells));
  expect(table(page("docs/http.md"), "| verb | admin address | what it answers |")).toEqual(adminRoutes.map(cells));
  const listed = table(page("docs/http.md"), "| status | codes |").flatMap(([status, codes]) =>
    [...codes!.matchAll(/\w+/g)].map(([code]) => [code, Number(status)]),
  );
  expect(Object.fromEntries(listed)).toEqual(
    Object.fromEntries(Object.entries(errorTable).map(([code, { http }]) => [code, http])),
  );
});

it("docs/errors.md says of each code what to do about it, and of each fallback's reason when it answers", () => {
  const advice = table(page("docs/errors.md"), "| code | how it comes about | the caller | the operator |");
  expect(advice.map(([code]) => code)).toEqual(Object.keys(errorTable));
  expect(advice.filter((cells) => cells.includes(""))).toEqual([]);
  const reasons = table(page("docs/errors.md"), "| reason | the fallback answers when | it doesn't when |").map(
    ([reason]) => reason!,
  );
  expect(reasons.sort()).toEqual((Object.keys(errorTable) as ErrorCode[]).filter(isFallbackReason).sort());
});

it("docs/architecture.md places each code at a step of the path, and names no other", () => {
  const header = "| step | what it does | where | may answer | its cost grows with | counts |";
  const codes = table(page("docs/architecture.md"), header).map(([, , , answers]) => answers!);
  const named = new Set(
    [...codes.join(" ").matchAll(/`?([a-z]+(?:_[a-z]+)+|internal|overloaded)`?/g)].map(([, code]) => code!),
  );
  expect([...named].sort()).toEqual(Object.keys(errorTable).sort());
});

it("the docs name no metric that the server doesn't have", () => {
  const sources = execFileSync("git", ["ls-files", "--cached", "--others", "--exclude-standard", "server/*.ts"], {
    encoding: "utf8",
  });
  const known = new Set(
    sources
      .split("\n")
      .filter((path) => path !== "" && existsSync(path))
      .flatMap((path) => [...page(path).matchAll(/"(plumb_[a-z_]+)"/g)].map(([, name]) => name!)),
  );
  expect(known.size).toBeGreaterThan(20);
  const named = ["architecture", "errors", "operations"].flatMap((name) =>
    [...page(`docs/${name}.md`).matchAll(/\b(plumb_[a-z_]+?)(?:_bucket|_sum|_count)?\b/g)].map(([, metric]) => metric!),
  );
  expect([...new Set(named)].filter((metric) => !known.has(metric))).toEqual([]);
});

it("docs/README.md leads to every page", () => {
  const linked = [...page("docs/README.md").matchAll(/\]\(([\w/-]+\.md)\)/g)].map(([, file]) => `docs/${file}`);
  const there = pages.filter((path) => /^docs\/[^/]+\.md$/.test(path) && path !== "docs/README.md");
  expect([...new Set(linked)].filter((path) => !path.startsWith("docs/decisions/")).sort()).toEqual(there.sort());
});

it("docs/operations.md has the table of settings, flag by flag", () => {
  const expected = describeSettings().map(({ flag, variable, key, fallback, help }) => [
    flag,
    variable,
    key,
    fallback,
    help,
  ]);
  expect(table(page("docs/operations.md"), "| flag | environment | in the file | default | |")).toEqual(expected);
});

it("docs/decisions lists every decision", () => {
  const listed = [...page("docs/decisions/README.md").matchAll(/\]\((\d{4}-[\w-]+\.md)\)/g)].map(
    ([, file]) => `docs/decisions/${file}`,
  );
  expect(listed).toEqual(pages.filter((path) => /^docs\/decisions\/\d{4}-/.test(path)).sort());
});

it("every page that the code names is there", () => {
  const sources = execFileSync(
    "git",
    ["ls-files", "--cached", "--others", "--exclude-standard", "*.ts", "*.mjs", "*.py", "*.json", "*.yaml"],
    { encoding: "utf8" },
  );
  const named = sources
    .split("\n")
    .filter((path) => path !== "" && existsSync(path))
    .flatMap((path) => [...page(path).matchAll(/\bdocs\/[a-z0-9/-]+\.md\b/g)].map(([file]) => `${path}: ${file}`));
  expect(named.filter((line) => !existsSync(line.split(": ")[1]!))).toEqual([]);
});

describe.each(pages)("%s", (path) => {
  const text = page(path);

  it("links to what is there", () => {
    const links = [...withoutCode(text).matchAll(/\]\(([^)\s]+)\)/g)]
      .map(([, link]) => link!)
      .filter((link) => !/^[a-z]+:/.test(link));
    const dead = links.filter((link) => {
      const [file = "", anchor] = link.split("#");
      const target = file === "" ? path : normalize(join(dirname(path), file));
      return !existsSync(target) || (anchor !== undefined && !anchors(page(target)).includes(anchor));
    });
    expect(dead).toEqual([]);
  });

  it("names scripts that package.json has, and files that are there", () => {
    const { scripts } = JSON.parse(page("package.json")) as { scripts: Record<string, string> };
    const named = [...text.matchAll(/\bnpm run ([\w:-]+)/g)].map(([, script]) => script!);
    expect(named.filter((script) => !(script in scripts))).toEqual([]);
    const files = [
      ...text.matchAll(/`((?:preprocessing|bundle|server|cli|scripts|loadtest|bench|test|proto)\/[\w./-]+\.\w+)`/g),
    ].map(([, file]) => file!);
    expect(files.filter((file) => !existsSync(file))).toEqual([]);
  });
});

/** What stands in a fence is no link and no heading. */
function withoutCode(text: string): string {
  return text.replaceAll(/^```[\s\S]*?^```/gm, "");
}

/** As GitHub makes them of headings. */
function anchors(text: string): string[] {
  return [...withoutCode(text).matchAll(/^#+ (.*)$/gm)].map(([, heading]) =>
    heading!
      .toLowerCase()
      .replace(/[^\w\- ]/g, "")
      .replaceAll(" ", "-"),
  );
}
