/**
 * Servers as processes of their own: started, awaited, and ended for certain.
 *
 * For the tests, the load test and the image's check alike. Scripts use it before anything is installed or built, so it
 * needs nothing but Node; its types are in server-process.d.mts.
 */

import { spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync, readFileSync } from "node:fs";
import { get } from "node:http";
import { createServer } from "node:net";
import { setTimeout as delay } from "node:timers/promises";

/** Far beyond any start of a server. */
const usualPatienceMs = 30_000;
const pollEveryMs = 5;

// Whatever happens to this process, it leaves no server behind.
const running = new Set();
process.on("exit", () => {
  for (const child of running) child.kill("SIGKILL");
});

export class ServerProcess {
  stdout = "";
  stderr = "";
  httpPort = 0;
  adminPort = 0;
  hasEnded = false;
  #name;
  #logFile;
  #watchers = new Set();

  /**
   * @param command - The program and its arguments.
   * @param options - Of `spawn`; without `stdio`, standard input is empty and all output is kept.
   * @param options.name - Names it in messages.
   * @param options.logFile - Takes the output instead: a busy server's output then costs this process nothing.
   */
  constructor([program, ...args], { name = "the server", logFile, ...options } = {}) {
    this.#name = name;
    this.#logFile = logFile;
    const output = logFile === undefined ? "pipe" : openSync(logFile, "w");
    this.child = spawn(program, args, { stdio: ["ignore", output, output], ...options });
    if (logFile !== undefined) closeSync(output);
    running.add(this.child);
    // The program may end before it has read all of its input.
    this.child.stdin?.on("error", () => {});
    for (const stream of ["stdout", "stderr"]) {
      this.child[stream]?.setEncoding("utf8").on("data", (text) => {
        this[stream] += text;
        this.#look();
      });
    }
    this.ended = once(this.child, "close").then(([code, signal]) => {
      running.delete(this.child);
      this.hasEnded = true;
      this.#look();
      return { code, signal };
    });
  }

  get pid() {
    return this.child.pid;
  }

  kill(signal) {
    this.child.kill(signal);
  }

  /** Ends it as an operator would, and by force if it doesn't listen. Safe to call twice. */
  async end(patienceMs = 10_000) {
    if (!this.hasEnded) this.kill("SIGTERM");
    const timer = setTimeout(() => this.kill("SIGKILL"), patienceMs);
    return await this.ended.finally(() => clearTimeout(timer));
  }

  /**
   * Resolves with the first value that isn't undefined; looks each time the process writes something.
   *
   * @throws Error with the output so far if the process ends before, or if nothing comes in time.
   */
  async until(look, patienceMs = usualPatienceMs) {
    return await new Promise((resolve, reject) => {
      const giveUp = (why) => {
        stop();
        reject(this.#failure(why));
      };
      const timer = setTimeout(() => giveUp("didn't say what was waited for"), patienceMs);
      const watcher = () => {
        const found = look(this);
        if (found !== undefined) {
          stop();
          resolve(found);
        } else if (this.hasEnded) giveUp("ended before it said what was waited for");
      };
      const stop = () => {
        clearTimeout(timer);
        this.#watchers.delete(watcher);
      };
      this.#watchers.add(watcher);
      watcher();
    });
  }

  /** Resolves when `plumb serve` has printed its addresses, which it does once every model was proved. */
  async untilServing(patienceMs = usualPatienceMs) {
    const [, httpPort, adminPort] = await this.until(
      // The last line of the greeting is there, so the first one is whole.
      ({ stdout }) => /:(\d+) \(predictions\).*:(\d+) \(metrics\)[\s\S]*\n {2}curl .*\n/.exec(stdout) ?? undefined,
      patienceMs,
    );
    this.httpPort = Number(httpPort);
    this.adminPort = Number(adminPort);
    return this;
  }

  /**
   * Resolves when an address answers with status 200.
   *
   * @throws Error as `until`.
   */
  async untilAnswering(url, patienceMs = usualPatienceMs) {
    for (const untilMs = performance.now() + patienceMs; (await statusOf(url)) !== 200; await delay(pollEveryMs)) {
      if (this.hasEnded) throw this.#failure("ended before it was ready");
      if (performance.now() > untilMs) throw this.#failure(`not ready within ${patienceMs / 1000} s`);
    }
  }

  #failure(why) {
    const said = this.#logFile === undefined ? this.stdout + this.stderr : readFileSync(this.#logFile, "utf8");
    return new Error(`${this.#name}: ${why}${said === "" ? "" : `; it said:\n${said.trimEnd()}`}`);
  }

  #look() {
    for (const watcher of [...this.#watchers]) watcher();
  }
}

/**
 * The command of `plumb serve`.
 *
 * @param program - bin/plumb.js of a checkout or of an image's folder.
 * @param flags - Both ports are free ones unless they say otherwise.
 * @param nodeFlags - Of Node itself.
 */
export function serveCommand(program, flags, nodeFlags = []) {
  const ports = ["--http-port", "--admin-port"].flatMap((flag) => (flags.includes(flag) ? [] : [flag, "0"]));
  return [process.execPath, ...nodeFlags, program, "serve", ...ports, ...flags];
}

/** Ports that nobody listens on at this moment. */
export async function freePorts(count) {
  const servers = Array.from({ length: count }, () => createServer().listen(0, "127.0.0.1"));
  await Promise.all(servers.map((server) => once(server, "listening")));
  const ports = servers.map((server) => server.address().port);
  await Promise.all(servers.map((server) => once(server.close(), "close")));
  return ports;
}

/** @returns The status, or undefined where nobody answers. */
function statusOf(url) {
  return new Promise((resolve) => {
    const request = get(url, { agent: false, timeout: 1000 }, (response) => {
      response.resume();
      resolve(response.statusCode);
    });
    request.on("timeout", () => request.destroy());
    request.on("error", () => resolve(undefined));
  });
}
