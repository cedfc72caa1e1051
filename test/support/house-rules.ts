/**
 * The house rules, as pure functions over the text of files: each returns what breaks it, as sentences that name the
 * file. `house-rules.test.ts` holds the project to them, and each of them to a made-up breach.
 */

import { posix } from "node:path";

/** Text by path from the project's root, with forward slashes. */
export type Files = ReadonlyMap<string, string>;

export interface Import {
  /** As written: `./graph.js`, `zod`, `node:fs`. */
  readonly specifier: string;
  /** The source file, for a relative one. */
  readonly file: string | undefined;
  readonly typeOnly: boolean;
}

/** Imports, re-exports, dynamic imports, `require` and files named by `new URL("x.js", import.meta.url)`. */
export function importsOf(path: string, text: string): Import[] {
  const code = withoutComments(text);
  const found: { specifier: string; typeOnly: boolean }[] = [];
  for (const [, keyword, clause, specifier] of code.matchAll(
    /^\s*(import|export)\b([^;"']*?)\bfrom\s*["']([^"']+)["']/gm,
  )) {
    const names = clause!
      .match(/^\s*\{([^}]*)\}\s*$/)?.[1]
      ?.split(",")
      .map((name) => name.trim());
    const typeOnly =
      /^\s*type\b/.test(clause!) ||
      (keyword === "import" && names?.every((name) => name === "" || name.startsWith("type ")) === true);
    found.push({ specifier: specifier!, typeOnly });
  }
  for (const [, specifier] of code.matchAll(/^\s*import\s*["']([^"']+)["']/gm))
    found.push({ specifier: specifier!, typeOnly: false });
  for (const [, specifier] of code.matchAll(/\b(?:import|require(?:\.resolve)?)\(\s*["']([^"']+)["']/g))
    found.push({ specifier: specifier!, typeOnly: false });
  for (const [, file] of code.matchAll(/new URL\(\s*["']([^"':]+\.js)["'],\s*import\.meta\.url/g)) {
    found.push({ specifier: file!.startsWith(".") ? file! : `./${file}`, typeOnly: false });
  }
  return found.map(({ specifier, typeOnly }) => ({ specifier, typeOnly, file: resolveSpecifier(path, specifier) }));
}

function resolveSpecifier(from: string, specifier: string): string | undefined {
  if (!specifier.startsWith(".")) return undefined;
  return posix.join(posix.dirname(from), specifier).replace(/\.js$/, ".ts");
}

function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\//g, "").replace(/^\s*\/\/.*$/gm, "");
}

export interface Directions {
  /**
   * Which of our folders a folder may import, besides itself; one within another has rules of its own where it is
   * named.
   */
  readonly folders: Readonly<Record<string, readonly string[]>>;
  /** Which packages a folder may import; a folder that isn't named here may import any. `node:` means Node's own. */
  readonly packages: Readonly<Record<string, readonly string[]>>;
}

export function wrongDirections(files: Files, { folders, packages }: Directions): string[] {
  const breaches: string[] = [];
  for (const [path, text] of files) {
    const top = path.split("/")[0]!;
    const within = path.split("/").slice(0, 2).join("/");
    const folder = within in folders ? within : top;
    for (const { specifier, file } of importsOf(path, text)) {
      if (file !== undefined) {
        const target = file.split("/")[0]!;
        const allowed = target === top || folders[folder] === undefined || folders[folder].includes(target);
        if (!allowed) breaches.push(`${path} imports ${file}: ${folder}/ may not import ${target}/`);
      } else {
        const name = specifier.startsWith("node:") ? "node:" : packageName(specifier);
        if (packages[folder]?.includes(name) === false)
          breaches.push(`${path} imports ${specifier}: ${folder}/ may not`);
      }
    }
  }
  return breaches;
}

function packageName(specifier: string): string {
  const parts = specifier.split("/");
  return specifier.startsWith("@") ? parts.slice(0, 2).join("/") : parts[0]!;
}

/**
 * Things that only some files may import: a package by name, or one of our files by its path (its types are free to
 * all).
 */
export type Owners = Readonly<Record<string, readonly string[]>>;

export function wrongOwners(files: Files, owners: Owners): string[] {
  const breaches: string[] = [];
  for (const [path, text] of files) {
    for (const { specifier, file, typeOnly } of importsOf(path, text)) {
      const thing = file ?? packageName(specifier);
      const allowed = owners[thing];
      if (allowed === undefined || path === thing || (file !== undefined && typeOnly)) continue;
      if (!allowed.includes(path)) breaches.push(`${path} imports ${thing}: only ${allowed.join(", ")} may`);
    }
  }
  return breaches;
}

/** Sources that no entry reaches, and imports of files that aren't there. */
export function deadSources(files: Files, entries: readonly string[]): string[] {
  const breaches: string[] = [];
  const reached = new Set<string>();
  const waiting = [...entries];
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    if (reached.has(path)) continue;
    reached.add(path);
    const text = files.get(path);
    if (text === undefined) breaches.push(`${path} is imported or an entry, but isn't there`);
    else for (const { file } of importsOf(path, text)) if (file !== undefined) waiting.push(file);
  }
  for (const path of files.keys()) if (!reached.has(path)) breaches.push(`${path} is reached from no entry`);
  return breaches;
}

/** Files that import each other in a circle, be it types alone: none of them can be read, or changed, without the others. */
export function importCircles(files: Files): string[] {
  const breaches: string[] = [];
  const done = new Set<string>();
  const visit = (path: string, trail: readonly string[]): void => {
    const start = trail.indexOf(path);
    if (start >= 0) {
      breaches.push([...trail.slice(start), path].join(" -> "));
      return;
    }
    if (done.has(path)) return;
    for (const { file } of importsOf(path, files.get(path) ?? ""))
      if (file !== undefined) visit(file, [...trail, path]);
    done.add(path);
  };
  for (const path of files.keys()) visit(path, []);
  return breaches;
}

/** A pattern that no line may hold, and why. */
export interface LineRule {
  readonly pattern: RegExp;
  readonly why: string;
}

export function forbiddenLines(files: Files, rules: readonly LineRule[]): string[] {
  const breaches: string[] = [];
  for (const [path, text] of files) {
    for (const [index, line] of text.split("\n").entries()) {
      for (const { pattern, why } of rules) if (pattern.test(line)) breaches.push(`${path}:${index + 1}: ${why}`);
    }
  }
  return breaches;
}

export function longFiles(files: Files, linesMax: number): string[] {
  return [...files].flatMap(([path, text]) => {
    const lines = text.trimEnd().split("\n").length;
    return lines > linesMax ? [`${path} has ${lines} lines, ${linesMax} is the most`] : [];
  });
}

/** Versions of package.json that aren't exact: `^1.0.0` installs something else tomorrow. */
export function looseVersions(packageJson: string): string[] {
  const { dependencies = {}, devDependencies = {} } = JSON.parse(packageJson) as Record<
    "dependencies" | "devDependencies",
    Record<string, string>
  >;
  return Object.entries({ ...dependencies, ...devDependencies })
    .filter(([, version]) => !/^(?:npm:[\w@/.-]+@)?\d+\.\d+\.\d+(?:-[\w.]+)?$/.test(version))
    .map(([name, version]) => `${name}: ${version} isn't an exact version`);
}

/**
 * Lockfile entries that aren't pinned by a hash, that say where they were downloaded, or that name a package which
 * isn't locked.
 */
export function looseLock(packageLock: string): string[] {
  interface Entry {
    readonly integrity?: string;
    readonly resolved?: string;
    readonly dependencies?: Record<string, string>;
    readonly optionalDependencies?: Record<string, string>;
  }
  const { packages } = JSON.parse(packageLock) as { packages: Record<string, Entry> };
  const locked = new Set(
    Object.keys(packages).map((path) => path.slice(path.lastIndexOf("node_modules/") + "node_modules/".length)),
  );
  return Object.entries(packages).flatMap(([path, entry]) => [
    ...(path !== "" && entry.integrity === undefined ? [`${path} has no hash`] : []),
    ...(entry.resolved === undefined ? [] : [`${path} has an address`]),
    ...Object.keys({ ...entry.dependencies, ...entry.optionalDependencies })
      .filter((name) => !locked.has(name))
      .map((name) => `${path || "the project"} wants ${name}, which isn't locked: npm ci will refuse`),
  ]);
}

/** Requirements that aren't pinned to one version with a hash. */
export function looseRequirements(requirements: string): string[] {
  const logicalLines = requirements.replace(/\\\n/g, " ").split("\n");
  return logicalLines
    .map((line) => line.replace(/(^|\s)#.*$/, "").trim())
    .filter((line) => line !== "" && !(/^[\w.[\]-]+==\S+/.test(line) && /--hash=sha256:[0-9a-f]{64}/.test(line)))
    .map((line) => `${line.slice(0, 60)} isn't pinned with a hash`);
}
