/**
 * `node scripts/image/check-container.mjs IMAGE MODELS MANIFEST`: does the image keep its promises as a container?
 *
 * Run by scripts/test-image.mjs with an engine and a network of its own, so that every port is free and nothing is left
 * behind. The container is started as docs/operations.md says: as its numbered user, with a root that nobody can write
 * to, without a capability, within limits.
 */

import { execFile } from "node:child_process";
import { once } from "node:events";
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { promisify } from "node:util";
import { address, CheckError, goldenAnswers, must, post, same } from "./check-server.mjs";

const mebibyte = 1_048_576;
const memoryBytes = 512 * mebibyte;
const processors = 1.5;
/** An eighth of the memory. */
const bytesMax = memoryBytes / 8;
const [httpPort, adminPort] = [8080, 8082];
const patienceMs = 60_000;

const say = (line) => console.log(`  ${line}`);

/** @returns What it printed. @throws CheckError with what it said, where it fails. */
async function podman(...args) {
  try {
    const { stdout } = await promisify(execFile)("podman", args, { maxBuffer: 64 * mebibyte });
    return stdout.trim();
  } catch (error) {
    throw new CheckError(`podman ${args[0]} ended with ${error.code}:\n${error.stderr}`);
  }
}

async function get(port, path) {
  return await fetch(`http://127.0.0.1:${port}${path}`, { headers: { connection: "close" } });
}

async function untilReady(container) {
  for (const endMs = Date.now() + patienceMs; ; await delay(50)) {
    const status = await get(httpPort, "/health/ready").then(
      (reply) => reply.status,
      () => 0,
    );
    if (status === 200) return;
    const { State } = await inspect(container);
    must(
      State.Running && Date.now() < endMs,
      `the container isn't ready (${State.Status}); it said:\n${await logsOf(container)}`,
    );
  }
}

async function inspect(container) {
  return JSON.parse(await podman("inspect", container))[0];
}

/** Standard output and error: podman passes both on. */
async function logsOf(container) {
  const { stdout, stderr } = await promisify(execFile)("podman", ["logs", container], { maxBuffer: 64 * mebibyte });
  return stdout + stderr;
}

async function checkGoldenRows(store) {
  for (const { model, rows } of goldenAnswers(store)) {
    const some = rows.slice(0, 20);
    for (const { row, prediction } of some) {
      const answer = await post(httpPort, address(model), row);
      must(
        same(answer.prediction, prediction),
        `${model} answers ${JSON.stringify(answer)}, and the trained pipeline ${prediction}`,
      );
    }
    say(`${model}: ${some.length} golden rows answered through the published port as the trained pipeline did`);
  }
}

/** What the process is, seen from inside. */
async function checkConfinement(container) {
  const program = `const fs = require("node:fs");
    const status = Object.fromEntries(fs.readFileSync("/proc/1/status", "utf8").trim().split("\\n").map((line) => line.split(":\\t")));
    const write = (path) => { try { fs.writeFileSync(path, ""); return "written"; } catch ({ code }) { return code; } };
    console.log(JSON.stringify({ command: fs.readFileSync("/proc/1/cmdline", "utf8").replaceAll("\\0", " ").trim(), status,
      writes: ["app", "app/models", "tmp", "home/node"].map((folder) => write("/" + folder + "/x")), node: process.version }));`;
  const { command, status, writes, node } = JSON.parse(await podman("exec", container, "node", "-e", program));
  must(command === "node bin/plumb.js serve", `the container's first process is ${command}`);
  must(
    status.Uid.split("\t").every((id) => id === "1000"),
    `its user is ${status.Uid}`,
  );
  must(
    status.Gid.split("\t").every((id) => id === "1000"),
    `its group is ${status.Gid}`,
  );
  for (const set of ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"])
    must(/^0+$/.test(status[set]), `it has capabilities: ${set} is ${status[set]}`);
  must(
    status.NoNewPrivs === "1" && status.Seccomp === "2",
    `no_new_privs is ${status.NoNewPrivs}, seccomp ${status.Seccomp}`,
  );
  must(same(writes, ["EROFS", "EROFS", "EROFS", "EROFS"]), `it can write: ${JSON.stringify(writes)}`);
  say(`Node ${node}, first process, user 1000:1000, no capability, seccomp, nothing that it can write to`);
}

/** The limits are known to the server, and kept to when far more comes than it may hold. */
async function checkLimits(container, { model, rows }) {
  const ready = JSON.parse((await logsOf(container)).split("\n").find((line) => line.includes('"message":"ready"')));
  const { workers, bytes_max } = ready;
  // A newer Node rounds the quota down by itself.
  must(
    [processors, Math.floor(processors)].includes(ready.processors),
    `it takes ${ready.processors} processors for its own`,
  );
  must(
    ready.memory_bytes === memoryBytes,
    `it takes ${ready.memory_bytes} bytes of memory for its own, and the limit is ${memoryBytes}`,
  );
  must(workers === 1 && bytes_max === bytesMax, `it chose ${workers} workers and ${bytes_max} bytes of bodies`);
  const metrics = await (await get(adminPort, "/metrics")).text();
  must(
    metrics.includes(`\nplumb_bytes_in_flight_max ${bytesMax}\n`),
    "the metrics have another limit of bytes in flight",
  );
  say(
    `${ready.processors} processors and ${memoryBytes / mebibyte} MiB are known: ${workers} worker, ${bytesMax / mebibyte} MiB of bodies`,
  );

  const body = JSON.stringify(rows[0].row).padEnd(1_000_000);
  const head = `POST ${address(model)} HTTP/1.1\r\nhost: plumb\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\nx-timeout-ms: ${patienceMs}\r\n\r\n`;
  const held = 300;
  const answers = await Promise.all(Array.from({ length: held }, () => statusOf(head, body)));
  const counts = Object.fromEntries(
    [...new Set(answers)].sort().map((status) => [status, answers.filter((one) => one === status).length]),
  );
  must(
    same(Object.keys(counts), ["200", "503"]),
    `${held} bodies of 1 MB at once were answered ${JSON.stringify(counts)}`,
  );
  const { State, RestartCount } = await inspect(container);
  must(
    State.Running && RestartCount === 0,
    `${held} bodies of 1 MB at once ended the container with ${State.ExitCode}`,
  );
  const peak = await podman(
    "exec",
    container,
    "sh",
    "-c",
    "cat /sys/fs/cgroup/memory.peak /sys/fs/cgroup/memory/memory.max_usage_in_bytes 2>/dev/null || true",
  );
  const peakMib = peak === "" ? "of unknown size" : `${Math.ceil(Number(peak) / mebibyte)} MiB`;
  say(
    `${held} bodies of 1 MB at once: ${counts[200]} answered, ${counts[503]} refused; peak memory ${peakMib} of ${memoryBytes / mebibyte}`,
  );
  must(
    same((await post(httpPort, address(model), rows[0].row)).prediction, rows[0].prediction),
    "after that it answers otherwise",
  );
}

/**
 * Of a connection that stays open: one that is to be closed may be reset while its body is still written, and with it
 * the reply.
 */
async function statusOf(head, body) {
  const socket = connect(httpPort, "127.0.0.1");
  socket.write(head + body);
  const [reply] = await once(socket.setEncoding("latin1"), "data").catch(() => [""]);
  socket.destroy();
  return Number(/^HTTP\/1\.1 (\d+)/.exec(reply)?.[1] ?? 0);
}

/** A call whose body is still arriving when the signal comes is answered, and then the process ends well. */
async function checkDrain(container, { model, rows }) {
  const [{ row, prediction }] = rows;
  const body = JSON.stringify(row);
  const socket = connect(httpPort, "127.0.0.1");
  await once(socket, "connect");
  socket.write(
    `POST ${address(model)} HTTP/1.1\r\nhost: plumb\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n`,
  );
  socket.write(body.slice(0, 10));
  await untilMetric("plumb_connections", 1);
  const stopped = podman("stop", "--time", "45", container);
  // The server knows of the signal when it isn't ready any more.
  while (
    (await get(adminPort, "/health/ready").then(
      ({ status }) => status,
      () => 0,
    )) === 200
  )
    await delay(20);
  socket.write(body.slice(10));
  const reply = (await socket.setEncoding("utf8").toArray()).join("");
  must(
    reply.startsWith("HTTP/1.1 200 OK"),
    `a call in flight at SIGTERM was answered ${JSON.stringify(reply.slice(0, 200))}`,
  );
  must(
    same(JSON.parse(reply.slice(reply.indexOf("\r\n\r\n"))).prediction, prediction),
    `a call in flight at SIGTERM: ${reply}`,
  );
  await stopped;
  const { State } = await inspect(container);
  const last = JSON.parse((await logsOf(container)).trim().split("\n").at(-1));
  must(State.ExitCode === 0, `after SIGTERM it ended with ${State.ExitCode}`);
  must(last.message === "stopped" && last.cut_off === 0, `the last line of its log is ${JSON.stringify(last)}`);
  say("SIGTERM: the call in flight was answered, and the container ended with 0");
}

async function untilMetric(name, value) {
  for (const endMs = Date.now() + patienceMs; ; await delay(20)) {
    const text = await (await get(adminPort, "/metrics")).text();
    if (text.includes(`\n${name} ${value}\n`)) return;
    must(Date.now() < endMs, `${name} didn't become ${value}`);
  }
}

async function checkContainer(image, store) {
  const flags = [
    "--read-only",
    "--read-only-tmpfs=false",
    "--cap-drop",
    "ALL",
    "--security-opt",
    "no-new-privileges",
    "--pids-limit",
    "100",
  ];
  const limits = ["--memory", String(memoryBytes), "--memory-swap", String(memoryBytes), "--cpus", String(processors)];
  const folder = mkdtempSync(join(tmpdir(), "plumb-token-"));
  chmodSync(folder, 0o755);
  const tokenFile = join(folder, "token");
  writeFileSync(tokenFile, "a-token-of-the-image's-check", { mode: 0o644 });
  const ports = [httpPort, adminPort].flatMap((port) => ["--publish", `127.0.0.1:${port}:${port}`]);
  const container = await podman(
    "run",
    "--detach",
    "--env",
    "PLUMB_ADMIN_HOST=0.0.0.0",
    // Metrics and health don't ask for the token, so that any file of enough characters will do.
    "--env",
    "PLUMB_ADMIN_TOKEN_FILE=/etc/machine-token",
    "--volume",
    `${tokenFile}:/etc/machine-token:ro`,
    ...flags,
    ...limits,
    ...ports,
    image,
  );
  try {
    await untilReady(container);
    await checkGoldenRows(store);
    await podman("healthcheck", "run", container);
    say("the image's own health check finds it ready");
    await checkConfinement(container);
    const [model] = goldenAnswers(store);
    await checkLimits(container, model);
    await checkDrain(container, model);
  } finally {
    await podman("rm", "--force", container);
    rmSync(folder, { recursive: true });
  }
}

/**
 * The manifest as it is shipped, but for the image's name, and for one server at a port of this machine in place of two
 * behind the service.
 */
async function checkManifest(image, store, manifestFile) {
  const folder = mkdtempSync(join(tmpdir(), "plumb-manifest-"));
  const file = join(folder, "plumb.yaml");
  const shipped = readFileSync(manifestFile, "utf8");
  const changes = [
    [/image: plumb:\S+/, `image: ${image}\n          imagePullPolicy: Never`],
    [/replicas: 2/, "replicas: 1"],
    [/containerPort: 8080 }/, `containerPort: 8080, hostPort: ${httpPort}, hostIP: 127.0.0.1 }`],
  ];
  const text = changes.reduce((changed, [from, to]) => {
    must(from.test(changed), `the manifest has no ${from}`);
    return changed.replace(from, to);
  }, shipped);
  const secret = { apiVersion: "v1", kind: "Secret", metadata: { name: "plumb-admin" } };
  const stringData = { token: "a-token-of-the-image's-check" };
  writeFileSync(file, `${JSON.stringify({ ...secret, stringData })}\n---\n${text}`);
  try {
    await podman("play", "kube", "--network", "podman", file);
    const container = (await podman("ps", "--quiet", "--no-trunc", "--filter", `ancestor=${image}`)).split("\n")[0];
    must(container !== "", "the manifest starts no container");
    await untilReady(container);
    const [{ model, rows }] = goldenAnswers(store);
    const answer = await post(httpPort, address(model), rows[0].row);
    must(same(answer.prediction, rows[0].prediction), `from the manifest, ${model} answers ${JSON.stringify(answer)}`);
    const { HostConfig } = await inspect(container);
    must(
      HostConfig.ReadonlyRootfs && HostConfig.Memory === 512 * mebibyte,
      "the manifest's limits aren't those of the container",
    );
    await podman("play", "kube", "--down", file);
    must(
      (await podman("ps", "--all", "--quiet")) === "",
      "the manifest's containers are still there after it was taken down",
    );
    say("the manifest for Kubernetes: played, ready, answered, taken down");
  } finally {
    await podman("pod", "rm", "--force", "--all");
    rmSync(folder, { recursive: true });
  }
}

const [image, store, manifestFile] = process.argv.slice(2);
try {
  await checkContainer(image, store);
  await checkManifest(image, store, manifestFile);
} catch (error) {
  if (!(error instanceof CheckError)) throw error;
  console.error(`plumb: ${error.message}`);
  process.exitCode = 1;
}
