/** The docs say what the code says: tables are held to their source, links and commands to what is there. */

import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { describe, expect, it } from "vitest";
import { describeSettings } from "../../server/config.js";
import { errorTable } from "../../server/errors.js";

const pages = execFileSync("git", ["ls-files", "--cached", "--others", "--exclude-standard", "*.md"], { encoding: "utf8" })
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
    meaning,
  ]);
  expect(table(page("docs/errors.md"), "| code | HTTP | again | meaning |")).toEqual(expected);
});

it("docs/errors.md names no code that isn't in the table, and places each of them at a step", () => {
  const steps = table(page("docs/errors.md"), "| step | may answer |").map(([, codes]) => codes!);
  const named = new Set([...steps.join(" ").matchAll(/`?([a-z]+(?:_[a-z]+)+|internal|overloaded)`?/g)].map(([, code]) => code!));
  expect([...named].sort()).toEqual(Object.keys(errorTable).sort());
});

it("docs/operations.md has the table of settings, flag by flag", () => {
  const expected = describeSettings().map(({ flag, variable, key, fallback, help }) => [flag, variable, key, fallback, help]);
  expect(table(page("docs/operations.md"), "| flag | environment | in the file | default | |")).toEqual(expected);
});

it("docs/decisions lists every decision", () => {
  const listed = [...page("docs/decisions/README.md").matchAll(/\]\((\d{4}-[\w-]+\.md)\)/g)].map(([, file]) => `docs/decisions/${file}`);
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
    const links = [...text.matchAll(/\]\(([^)\s]+)\)/g)].map(([, link]) => link!).filter((link) => !/^[a-z]+:/.test(link));
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
    const files = [...text.matchAll(/`((?:preprocessing|bundle|server|cli|scripts|loadtest|test|proto)\/[\w./-]+\.\w+)`/g)].map(
      ([, file]) => file!,
    );
    expect(files.filter((file) => !existsSync(file))).toEqual([]);
  });
});

/** As GitHub makes them of headings. */
function anchors(text: string): string[] {
  return [...text.matchAll(/^#+ (.*)$/gm)].map(([, heading]) =>
    heading!
      .toLowerCase()
      .replace(/[^\w\- ]/g, "")
      .replaceAll(" ", "-"),
  );
}
