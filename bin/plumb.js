#!/usr/bin/env node
// The command: everything is in dist/, which `npm run build` makes.
import { existsSync, readFileSync } from "node:fs";

const main = new URL("../dist/plumb/cli/main.js", import.meta.url);
if (!existsSync(main)) {
  process.stderr.write("plumb: dist/ isn't built yet: run `npm run build` (or `npm start`, which does it by itself)\n");
  process.exit(2);
}
try {
  const { run } = await import(main.href);
  process.exitCode = await run(process.argv.slice(2));
} catch (error) {
  const sentence = surroundings(error);
  if (sentence === undefined) throw error;
  process.stderr.write(`plumb: ${sentence}\n`);
  process.exit(1);
}

/** What is wrong with the place where the command runs. Here, because nothing more can be loaded then. */
function surroundings({ code, syscall }) {
  // Where a package's own file can't be opened, Node says that there is no such package.
  if (code === "EMFILE" || code === "ENFILE" || (code === "ERR_MODULE_NOT_FOUND" && maxFiles() < 256)) {
    return "the system lets this process open too few files: raise the limit to 1024 or more (ulimit -n 1024; LimitNOFILE= in a systemd unit)";
  }
  if (code === "ENOENT" && syscall === "uv_cwd")
    return "the folder that this command runs in has been deleted: change to one that is there";
  return undefined;
}

/** How many files the system lets this process open; none that is known is no limit. */
function maxFiles() {
  try {
    const limit = /^Max open files +(\d+)/m.exec(readFileSync("/proc/self/limits", "utf8"))?.[1];
    return limit === undefined ? Number.POSITIVE_INFINITY : Number(limit);
  } catch (error) {
    return error.code === "EMFILE" ? 0 : Number.POSITIVE_INFINITY;
  }
}
