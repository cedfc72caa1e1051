/** The command line: `plumb serve | verify | inspect | predict | proto | compare | health | canary | routes`. Thin: each command is one function elsewhere. */

import { productVersion } from "../server/product-version.js";

const usage = `plumb: an online inference server that is true to training

  plumb serve [settings]                     serve a model store until SIGTERM; --help lists the settings
  plumb verify BUNDLE [--engine E]           prove a bundle: hashes, schema, graphs, models, golden rows
  plumb verify BUNDLE --memory               that, and how much memory it takes
  plumb verify --against OLD NEW [--engine E] that, and whether callers of the typed proto of one can call the other
  plumb verify STORE [--engine E]            prove every bundle of a store, a line each; exit code 1 if one is refused
  plumb inspect BUNDLE | STORE [--json]      print what a bundle takes, computes, answers and promises; of a store, a line each
  plumb predict BUNDLE [--input rows.jsonl] [--output out.jsonl] [--features] [--raw] [--engine E]
                                             answer JSON lines with the code that serves; E is auto, onnxruntime or tree
  plumb proto BUNDLE                         print the typed proto of a bundle: its service, its rows, its answers
  plumb compare MODEL [--json] [--admin URL] what a model's shadows answered beside its champion, of a server that runs
  plumb health [--live] [--timeout-ms N] [settings]
                                             ask the server of these settings whether it is ready; exit code 0 if it is
  plumb canary start MODEL --version V [--plan plan.json] [--why W] [--json] [settings]
  plumb canary status|promote|rollback|resume|stop MODEL [--why W] [--json] [settings]
                                             release a version by a plan, and look after it
  plumb routes show [MODEL] | history MODEL [--json] [settings]
  plumb routes set MODEL --champion V [--canary V --share S] | --file route.json [--why W] [--json] [settings]
                                             show and change which version answers; settings say where the admin listener is
  plumb --help | --version
`;

/** @returns The exit code: 0 for success, 1 for a failure that was told, 2 for wrong usage. */
export async function run(args: readonly string[]): Promise<number> {
  const [command, ...rest] = args;
  switch (command) {
    case "serve": {
      if (rest.includes("--help")) return print(await serveHelp());
      const { serve } = await import("../server/main.js");
      return serve(rest, process.env, process.cwd());
    }
    case "verify": {
      if (rest.includes("--help")) return print(usage);
      const { verify } = await import("./verify.js");
      return verify(rest);
    }
    case "inspect": {
      if (rest.includes("--help")) return print(usage);
      const { inspect } = await import("./inspect.js");
      return inspect(rest);
    }
    case "predict": {
      if (rest.includes("--help")) return print(usage);
      const { predictLines } = await import("./predict.js");
      return predictLines(rest);
    }
    case "proto": {
      if (rest.includes("--help")) return print(usage);
      const { printProto } = await import("./proto.js");
      return printProto(rest);
    }
    case "compare": {
      if (rest.includes("--help")) return print(usage);
      const { compare } = await import("./compare.js");
      return compare(rest);
    }
    case "health": {
      if (rest.includes("--help")) return print(usage);
      const { health } = await import("./health.js");
      return health(rest, process.env, process.cwd());
    }
    case "canary": {
      if (rest.includes("--help")) return print(usage);
      const { canary } = await import("./canary.js");
      return canary(rest, process.env, process.cwd());
    }
    case "routes": {
      if (rest.includes("--help")) return print(usage);
      const { routes } = await import("./routes.js");
      return routes(rest, process.env, process.cwd());
    }
    case "--help":
    case "-h":
      return print(usage);
    case "--version":
      return print(`${productVersion()}\n`);
    case undefined:
      process.stderr.write(usage);
      return 2;
    default:
      process.stderr.write(`plumb: there is no command ${JSON.stringify(command)}\n\n${usage}`);
      return 2;
  }
}

function print(text: string): number {
  process.stdout.write(text);
  return 0;
}

async function serveHelp(): Promise<string> {
  const { describeSettings } = await import("../server/config.js");
  const settings = describeSettings().map(({ flag, variable, help, fallback }) => {
    const shown = fallback === "" ? "" : ` (default: ${fallback})`;
    return `  ${flag.padEnd(22)} ${help}${shown}\n  ${"".padEnd(22)} environment: ${variable}`;
  });
  return `plumb serve [settings]

Flags go before the environment, that before plumb.config.json (or --config FILE), that before the defaults.

${settings.join("\n")}
`;
}
