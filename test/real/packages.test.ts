/**
 * The packed files alone, in a folder without a checkout: npm's package and the trainer's wheel are installed, a pipeline
 * is exported, proved and served, and answers as it does in Python.
 */

import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ServerProcess, serveCommand } from "../../scripts/server-process.mjs";

const folder = mkdtempSync(join(tmpdir(), "plumb-packages-"));
const [packages, prefix, venv] = [join(folder, "packages"), join(folder, "npm"), join(folder, "venv")];
const program = join(prefix, "node_modules/plumb/bin/plumb.js");
const patience = 600_000;

/** Of this process's environment only what a user's has: nothing that leads to the checkout. */
function run(command: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): string {
  const { PYTHONPATH: _, npm_config_local_prefix: __, ...rest } = process.env;
  const own = Object.entries(rest).filter(([name]) => !/^(npm_|INIT_CWD|ONNXRUNTIME)/.test(name));
  return execFileSync(command, args, { cwd: folder, encoding: "utf8", env: { ...Object.fromEntries(own), ...env } });
}

beforeAll(() => {
  execFileSync(process.execPath, ["scripts/pack.mjs", "--out", packages], { stdio: "pipe" });
  const [tarball, wheel] = [/\.tgz$/, /\.whl$/].map((end) => readdirSync(packages).find((name) => end.test(name))!);
  run("npm", ["install", "--prefix", prefix, "--offline", "--no-audit", "--no-fund", join(packages, tarball!)]);
  run("python3", ["-m", "venv", venv]);
  const pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--only-binary", ":all:"];
  run(join(venv, "bin/python"), [...pip, join(packages, wheel!)]);
}, patience);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test("npm's package is small, holds one platform's binaries, and runs no script", () => {
  const files = readdirSync(join(prefix, "node_modules"), { recursive: true, withFileTypes: true }).filter((file) =>
    file.isFile(),
  );
  const paths = files.map((file) => join(file.parentPath, file.name));
  const bytes = paths.reduce((sum, path) => sum + statSync(path).size, 0);
  expect(bytes).toBeLessThan(150e6);
  const natives = paths.filter((path) => /\.(node|so|dylib|dll)(\.|$)/.test(path));
  const ofHere = new RegExp(`${process.platform}[_/-]${process.arch}`);
  expect(natives.filter((path) => !ofHere.test(path))).toEqual([]);
  const withScripts = paths.filter(
    (path) => path.endsWith("/package.json") && JSON.parse(readFileSync(path, "utf8")).scripts !== undefined,
  );
  expect(withScripts).toEqual([]);
  expect(existsSync(join(prefix, "node_modules/plumb/plumb.d.ts"))).toBe(true);
});

test(
  "a pipeline that is exported with the wheel is proved and served by npm's package, with its own answer",
  async () => {
    const script = join(folder, "export.py");
    writeFileSync(
      script,
      `import json
from sklearn.datasets import load_diabetes
from sklearn.ensemble import RandomForestRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from plumb_trainer import export_bundle

X, y = load_diabetes(return_X_y=True, as_frame=True)
pipeline = make_pipeline(StandardScaler(), RandomForestRegressor(5, max_depth=4, random_state=0)).fit(X, y)
export_bundle(pipeline, X, "store", name="diabetes", version=1, y=y, golden_rows=500)
print(json.dumps({"row": X.iloc[7].to_dict(), "prediction": pipeline.predict(X.iloc[[7]])[0]}))
`,
    );
    const path = `${join(prefix, "node_modules/.bin")}:${process.env.PATH}`;
    const { row, prediction } = JSON.parse(run(join(venv, "bin/python"), [script], { PATH: path, PLUMB_HOME: "" }));
    expect(run(process.execPath, [program, "verify", "store/diabetes/1"])).toContain("proved");
    expect(run(process.execPath, [program, "inspect", "store"])).toContain("diabetes/1");
    const server = new ServerProcess(serveCommand(program, ["--models", "store"]), { cwd: folder });
    try {
      await server.untilServing();
      const reply = await fetch(`http://127.0.0.1:${server.httpPort}/models/diabetes/predict`, {
        method: "POST",
        headers: { "content-type": "application/json", "x-timeout-ms": "60000" },
        body: JSON.stringify(row),
      });
      expect(await reply.json()).toMatchObject({ prediction });
    } finally {
      await server.end();
    }
  },
  patience,
);

test("without a store the command says in three lines what to do", async () => {
  const server = new ServerProcess(serveCommand(program, []), { cwd: prefix });
  expect((await server.ended).code).toBe(1);
  expect(server.stderr.trimEnd().split("\n")).toHaveLength(3);
  expect(server.stderr).toContain("plumb-trainer import FILE");
});
