/**
 * `node scripts/image/check-server.mjs STAGE EMPTY_FOLDER`: does a server serve from a staged folder as it will in a
 * container?
 *
 * With an empty environment, from another folder, on a stage that it can't write to, and as an unprivileged user where
 * this process may choose one: it must load every package that its code names, prove and answer for every model that is
 * shipped, call itself healthy, write nothing into the stage, and drain on SIGTERM. Needs nothing but Node: it is also
 * run where nothing else is installed.
 */

import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { createServer, request } from "node:http";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { ServerProcess, serveCommand } from "../server-process.mjs";
import { isBundled } from "./contents.mjs";

/** Debian's nobody. */
const unprivileged = 65_534;
const patienceMs = 60_000;

/** A promise that isn't kept: one sentence. */
export class CheckError extends Error {}

export function must(holds, sentence) {
  if (!holds) throw new CheckError(sentence);
}

/**
 * How a program of the image is run: nothing of this process's environment, and not as root.
 *
 * @param {string} cwd - A folder that isn't the stage.
 * @returns Options for a process.
 */
export function containerOptions(cwd) {
  const options = { cwd, env: {} };
  const changed = { ...options, uid: unprivileged, gid: unprivileged };
  // Node itself may stand in a folder that only root can enter.
  const mayChange = process.getuid?.() === 0 && spawnSync(process.execPath, ["-e", "0"], changed).status === 0;
  return mayChange ? changed : options;
}

/** `plumb serve` from the stage, on free ports. */
export class StagedServer extends ServerProcess {
  constructor(stage, options, flags = []) {
    const settings = ["--config", join(stage, "plumb.config.json"), "--models", join(stage, "models")];
    super(serveCommand(join(stage, "bin/plumb.js"), [...settings, ...flags]), options);
  }

  /** @returns The public port, when every model was proved. */
  async ready() {
    await this.untilServing(patienceMs).catch(({ message }) => must(false, message));
    return this.httpPort;
  }
}

/**
 * @param {string} stage - An absolute path.
 * @param {string} cwd - A folder that isn't the stage.
 * @param say - Told what was found, a line each.
 * @throws CheckError
 */
export async function checkServer(stage, cwd, say) {
  const options = containerOptions(cwd);
  const before = snapshot(stage);
  say(loadPackages(stage, options));
  const server = new StagedServer(stage, options);
  try {
    const port = await server.ready();
    for (const { model, rows } of goldenAnswers(join(stage, "models"))) {
      for (const { row, prediction } of rows) {
        const answer = await post(port, address(model), row);
        must(
          same(answer.prediction, prediction),
          `${model} answers ${JSON.stringify(answer)}, and the trained pipeline ${prediction}`,
        );
      }
      say(`${model}: ${rows.length} golden rows answered over HTTP as the trained pipeline did`);
    }
    const health = (...flags) =>
      spawnSync(process.execPath, [join(stage, "bin/plumb.js"), "health", ...flags], options).status;
    must(health("--http-port", String(port)) === 0, "the health command doesn't find the server ready");
    must(health("--live", "--http-port", String(port)) === 0, "the health command doesn't find the server alive");
    const { code, signal } = await server.end(patienceMs);
    must(code === 0, `after SIGTERM the server ended with ${signal ?? code}:\n${server.stderr}`);
    const lines = server.stderr.trim().split("\n");
    // A newer Node warns there of what it will no longer do.
    const strange = lines.filter((line) => !line.startsWith("{"));
    must(strange.length === 0, `its log has lines that are none:\n${strange.join("\n")}`);
    const last = JSON.parse(lines.at(-1));
    must(last.message === "stopped" && last.cut_off === 0, `the last line of its log is ${JSON.stringify(last)}`);
    must(health("--http-port", String(port)) === 1, "the health command finds a server ready that has ended");
  } finally {
    server.kill("SIGKILL");
  }
  await checkOptions(stage, options);
  must(snapshot(stage) === before, "the server changed a file of the stage");
  must(readdirSync(cwd).length === 0, "the server wrote into its working directory");
  const who =
    options.uid === undefined
      ? `user ${process.getuid?.()}, who owns the files`
      : `user ${options.uid}, with no right to write`;
  say(
    `Node ${process.version}, as ${who}: ready, healthy, drained on SIGTERM with exit code 0, and no file of the stage has changed`,
  );
}

/**
 * What is off by default loads packages of its own: with a cache, and with traces sent to a collector, which gets them
 * at the latest in the drain.
 */
async function checkOptions(stage, options) {
  const posts = [];
  const collector = createServer((request, reply) => {
    posts.push(`${request.method} ${request.url} ${request.headers["content-type"]}`);
    request.resume().on("end", () => reply.end());
  }).listen(0, "127.0.0.1");
  await once(collector, "listening");
  const env = { OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${collector.address().port}` };
  const server = new StagedServer(stage, { ...options, env }, [
    "--trace-sample-share",
    "1",
    "--cache-bytes",
    "1000000",
  ]);
  try {
    const port = await server.ready();
    const [{ model, rows }] = goldenAnswers(join(stage, "models"));
    for (const { row, prediction } of [rows[0], rows[0]])
      must(
        same((await post(port, address(model), row)).prediction, prediction),
        `${model} answers otherwise with a cache`,
      );
    must(
      (await server.end(patienceMs)).code === 0,
      `with a cache and traces the server didn't end well:\n${server.stderr}`,
    );
    must(
      posts.includes("POST /v1/traces application/x-protobuf"),
      `the collector got no span, but ${JSON.stringify(posts)}:\n${server.stderr}`,
    );
  } finally {
    server.kill("SIGKILL");
    collector.close();
  }
}

export const address = (model) => `/models/${model.replace("/", "/versions/")}/predict`;

/**
 * Loads every package that a compiled source names, in the way in which it names it, also what it would load only with
 * some setting.
 */
function loadPackages(stage, options) {
  const sources = readdirSync(join(stage, "dist"), { recursive: true }).filter((file) => file.endsWith(".js"));
  const text = sources.map((file) => readFileSync(join(stage, "dist", file), "utf8")).join("\n");
  const named = (pattern) =>
    [...new Set([...text.matchAll(pattern)].map(([, name]) => name))]
      .filter((name) => !name.startsWith("node:"))
      .sort();
  const imported = named(/(?:\bfrom |\bimport |\bimport\()"([@\w][^"]*)"/g);
  const required = named(/(?:\brequire|\bcreateRequire\(import\.meta\.url\))\("([@\w][^"]*)"\)/g);
  const { dependencies } = JSON.parse(readFileSync(join(stage, "package.json"), "utf8"));
  const unnamed = Object.keys(dependencies).filter(
    (name) => !isBundled(name) && ![...imported, ...required].some((used) => `${used}/`.startsWith(`${name}/`)),
  );
  must(unnamed.length === 0, `a dependency that no source of the image names: ${unnamed.join(", ")}`);
  const program = `for (const name of ${JSON.stringify(imported)}) await import(name);
    const require = (await import("node:module")).createRequire(${JSON.stringify(join(stage, "package.json"))});
    for (const name of ${JSON.stringify(required)}) require(name);`;
  const { status, stderr } = spawnSync(process.execPath, ["--input-type=module", "-e", program], {
    ...options,
    cwd: stage,
  });
  must(status === 0, `a package that the server may load doesn't:\n${stderr}`);
  return `loaded: ${[...imported, ...required].join(", ")}`;
}

/** Of every version in the store, the golden rows that have an answer. */
export function goldenAnswers(store) {
  const models = readdirSync(store).flatMap((name) =>
    readdirSync(join(store, name)).map((version) => `${name}/${version}`),
  );
  must(models.length > 0, "no model is shipped");
  return models.map((model) => {
    const lines = readFileSync(join(store, model, "golden.jsonl"), "utf8")
      .trim()
      .split("\n");
    const rows = lines.map((line) => JSON.parse(line)).filter(({ prediction }) => prediction !== undefined);
    must(rows.length > 0, `${model} has no golden row with an answer`);
    return { model, rows };
  });
}

export async function post(port, path, row) {
  const asked = request({
    host: "127.0.0.1",
    port,
    path,
    method: "POST",
    headers: { "content-type": "application/json" },
    agent: false,
  });
  asked.end(JSON.stringify(row));
  const [reply] = await once(asked, "response");
  return JSON.parse((await reply.setEncoding("utf8").toArray()).join(""));
}

export const same = (got, expected) => JSON.stringify(got) === JSON.stringify(expected);

/** Every path with its size and time. */
function snapshot(folder) {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .map((entry) => join(entry.parentPath, entry.name))
    .sort()
    .map((path) => [path, statSync(path).size, statSync(path).mtimeMs].join(" "))
    .join("\n");
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [stage, cwd] = process.argv.slice(2);
  try {
    await checkServer(stage, cwd, (line) => console.log(`  ${line}`));
  } catch (error) {
    if (!(error instanceof CheckError)) throw error;
    console.error(`plumb: ${error.message}`);
    process.exitCode = 1;
  }
}
