/** Checks a Dockerfile by its text. */

export interface Instruction {
  /** `FROM`, `COPY`, ... */
  readonly word: string;
  readonly rest: string;
}

/** Comments and line continuations are undone. */
export function instructionsOf(text: string): Instruction[] {
  const lines = text
    .replace(/^\s*#.*\n?/gm, "")
    .replace(/\\\n/g, " ")
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "");
  return lines.map((line) => {
    const [, word, rest] = /^(\S+)\s*(.*)$/.exec(line)!;
    return { word: word!.toUpperCase(), rest: rest!.replace(/\s+/g, " ") };
  });
}

/** @returns What is wrong with an image for production, in a few words each. */
export function imageFaults(text: string): string[] {
  const all = instructionsOf(text);
  const last = all.slice(all.findLastIndex(({ word }) => word === "FROM"));
  const faults: string[] = [];
  const expected = (holds: boolean, fault: string) => {
    if (!holds) faults.push(fault);
  };
  const only = (word: string) => last.filter((instruction) => instruction.word === word).map(({ rest }) => rest);

  const stages = all.filter(({ word }) => word === "FROM").map(({ rest }) => rest);
  const variables = new Map(
    all.filter(({ word }) => word === "ARG").map(({ rest }) => [rest.split("=")[0], rest.split("=")[1]]),
  );
  for (const stage of stages) {
    const base = stage.split(" ")[0]!.replace(/\$\{(\w+)\}/g, (_, name: string) => variables.get(name) ?? "");
    expected(/:[\w.-]*\d[\w.-]*$|@sha256:/.test(base), `the base ${base} names no version`);
  }
  expected(stages.length > 1, "it is made in one stage, with what only the build needs");
  expected(only("RUN").length === 0, "the image itself runs something while it is made");
  expected(
    only("COPY").every((rest) => rest.startsWith("--from=")),
    "a file of the checkout is copied past the stage",
  );
  expected(
    all.every(({ word }) => word !== "ADD"),
    "ADD unpacks and downloads",
  );
  expected(
    !/\b(?:curl|wget|apt-get|sudo)\b/.test(all.map(({ rest }) => rest).join("\n")),
    "it fetches what no lockfile holds",
  );

  const [user, root] = (only("USER").at(-1) ?? "").split(":");
  expected(/^[1-9]\d*$/.test(user!) && root !== "0", "its user is root, or is named and not numbered");
  expected(
    last.findLastIndex(({ word }) => word === "COPY") < last.findIndex(({ word }) => word === "USER"),
    "its user owns the files",
  );
  expected(!only("COPY").some((rest) => rest.includes("--chown")), "its user owns the files");

  const isList = (rest: string | undefined) => /^\[(?:"[^"]*"(?:, )?)+\]$/.test(rest ?? "");
  expected(isList(only("ENTRYPOINT").at(-1)), "a shell stands between the signal and the server");
  expected(isList(only("CMD").at(-1)), "CMD needs a shell");
  expected(only("STOPSIGNAL").at(-1) === "SIGTERM", "another signal than SIGTERM stops it");
  const [health] = only("HEALTHCHECK");
  expected(isList(health?.split("CMD ")[1]) && /"health"/.test(health ?? ""), "nobody asks for its health");
  for (const flag of ["interval", "timeout", "start-period", "retries"])
    expected(health?.includes(`--${flag}=`) ?? false, `the health check has no --${flag}`);
  expected(/\bNODE_ENV=production\b/.test(only("ENV").join(" ")), "NODE_ENV isn't production");

  const given = all.filter(({ word }) => word === "ENV" || word === "ARG").map(({ rest }) => rest);
  expected(!given.some((rest) => /secret|token|passw|credential|(?:^|_)key/i.test(rest)), "it carries a secret");
  return faults;
}
