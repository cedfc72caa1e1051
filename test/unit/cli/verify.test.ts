/** Goal: `plumb verify` says yes to a true bundle, no to every other, and what differs. */

import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { verify } from "../../../cli/verify.js";
import { type CommandResult, callCommand, runPlumb } from "../../support/command.js";
import { DemandCopy, demandDirectory, demandFiles, demandGolden } from "../../support/demand-bundle.js";
import { echoModel, writeStore } from "../../support/model-store.js";
import { encodeOnnx } from "../../support/onnx-file.js";

const open: DemandCopy[] = [];
afterEach(() => {
  for (const copy of open.splice(0)) copy.remove();
});

async function verifyChanged(change: (copy: DemandCopy) => void): Promise<CommandResult> {
  const copy = new DemandCopy();
  open.push(copy);
  change(copy);
  return callCommand(verify, [copy.directory]);
}

/** A refusal: exit code 1, everything on standard error, a line per problem. */
async function problemsOf(change: (copy: DemandCopy) => void): Promise<string[]> {
  const { code, stdout, stderr } = await verifyChanged(change);
  expect(code).toBe(1);
  expect(stdout).toBe("");
  expect(stderr.split("\n")[0]).toMatch(/demand\/1: refused$/);
  const problems = stderr.split("\n").filter((line) => line.startsWith("  - "));
  expect(problems).not.toEqual([]);
  return problems.map((line) => line.slice(4));
}

describe("a store", () => {
  test("is verified as a whole: a line for each bundle, and exit code 0 where all are proved", async () => {
    const store = await writeStore(echoModel(), echoModel({ version: 2 }));
    await mkdir(join(store.directory, "lost+found"));
    const { code, stdout, stderr } = await callCommand(verify, [store.directory]);
    await store.remove();
    expect(stdout.split("\n").map((line) => line.split("  ").slice(0, 2))).toEqual([
      ["echo/1", "proved"],
      ["echo/2", "proved"],
      [""],
    ]);
    expect([code, stderr]).toEqual([0, expect.stringMatching(/^plumb verify: passed over: .*"lost\+found"[^\n]*\n$/)]);
  });

  test("with one that is damaged, and one that isn't whole, has exit code 1, and says which and why", async () => {
    const damaged = echoModel({ version: 2, change: (bundle) => (bundle.tamper["card.md"] = "# Tinx\n") });
    const half = echoModel({ version: 3, change: (bundle) => (bundle.tamper["model.onnx"] = null) });
    const store = await writeStore(echoModel(), damaged, half);
    const { code, stdout } = await callCommand(verify, [store.directory]);
    await store.remove();
    expect(code).toBe(1);
    const [one, two, three] = stdout.split("\n");
    expect(one).toMatch(/^echo\/1 {2}proved {2}256 golden rows, by onnxruntime/);
    expect(two).toMatch(/^echo\/2 {2}refused {2}damaged: card\.md: expected sha256/);
    expect(three).toMatch(/^echo\/3 {2}refused {2}incomplete: model\.onnx: expected this file/);
  });
});

describe("a true bundle", () => {
  test("is proved, and the report says what was compared", async () => {
    const { code, stdout, stderr } = await callCommand(verify, [demandDirectory, "--engine", "tree"]);
    expect([code, stderr]).toEqual([0, ""]);
    const manifest = readFileSync(join(demandDirectory, "manifest.json"));
    expect(stdout.split("\n")[0]).toBe(`${demandDirectory}: proved`);
    for (const line of [
      "  model        demand/1, regression, made ",
      `  digest       sha256:${createHash("sha256").update(manifest).digest("hex")}\n`,
      `  files        ${demandFiles().length}, all as the manifest says\n`,
      `  golden rows  ${demandGolden().length}, in batches of 1, 7, 256, by tree\n`,
      "  features     worst difference 0 ulp\n",
      "  raw outputs  worst difference 0 ulp\n",
      "  predictions  worst difference 0 ulp\n",
    ]) {
      expect(stdout).toContain(line);
    }
    expect(stdout).not.toContain("flips");
  });

  test("of several outputs is told with their names", async () => {
    const store = await writeStore(echoModel({ properties: {}, outputs: ["low", "high"] }));
    const { code, stdout, stderr } = await callCommand(verify, [join(store.directory, "echo", "1")]);
    await store.remove();
    expect([code, stderr]).toEqual([0, ""]);
    expect(stdout).toContain('  model        echo/1, regression of 2 outputs ("low", "high"), made ');
  });

  test.each([
    ["demand", "tree", /, by tree\n/],
    ["demand", "onnxruntime", /, by onnxruntime\n/],
    // Which of them is the faster is this machine's business.
    ["demand", "auto", /, by (tree|onnxruntime \(the tree kernel is slower for it here: .*\))\n/],
    ["digits", "tree", /, by onnxruntime \(it has no TreeEnsemble\)\n/],
    ["digits", "auto", /, by onnxruntime \(it has no TreeEnsemble\)\n/],
    ["digits", "onnxruntime", /, by onnxruntime\n/],
  ])("%s is proved on the engine that is asked for, %s, or the report says why not", async (model, engine, report) => {
    const { code, stdout, stderr } = await callCommand(verify, [
      join(demandDirectory, "../..", model, "1"),
      "--engine",
      engine,
    ]);
    expect([code, stderr]).toEqual([0, ""]);
    expect(stdout).toMatch(report);
  });

  test("is held to the typed proto of another one, where that is asked", async () => {
    const against = await callCommand(verify, ["--against", demandDirectory, demandDirectory]);
    expect([against.code, against.stderr]).toEqual([0, ""]);
    expect(against.stdout).toContain(
      `${demandDirectory}: callers of the typed proto of ${demandDirectory} can call it\n`,
    );
    const copy = new DemandCopy();
    open.push(copy);
    copy.edit("manifest.json", (manifest) => {
      manifest.proto = { fields: { feature_search_interest: 1, feature_promo: 2, feature_price: 3 } };
    });
    const { code, stdout, stderr } = await callCommand(verify, ["--against", demandDirectory, copy.directory]);
    expect([code, stdout]).toEqual([1, ""]);
    expect(stderr).toContain(
      '  - Row, field 2: expected "feature_price" as in version 1, which has the number 3 now; keep ',
    );
  });

  test("may lie in a folder of any name", async () => {
    const copy = new DemandCopy();
    open.push(copy);
    const { code } = await callCommand(verify, [`${copy.directory}/../1/`]);
    expect(code).toBe(0);
  });

  test("that is allowed to differ says by how much, and where", async () => {
    const { code, stdout } = await verifyChanged((copy) => {
      copy.edit("manifest.json", (manifest) => {
        manifest.parity.tier = "C";
        manifest.parity.tolerance = { features_ulp: 0, margin_ulp: 0, prediction_ulp: 1000 };
      });
      copy.editGolden((golden, index) => (index === 4 ? { ...golden, prediction: golden.prediction + 1e-5 } : golden));
      copy.rehash();
    });
    expect(code).toBe(0);
    expect(stdout).toMatch(
      / {2}predictions {2}worst difference \d+ ulp: golden\.jsonl line 5 \(\w+\), prediction, batch of \d+: expected [\d.]+, got [\d.]+/,
    );
  });
});

test.each([
  [
    { rows: 60, differing: 3, largest: 0.79, allowed: 0.5 },
    "3 of 60 rows answered otherwise than by the pipeline, by 0.79 at most (a share of 0.5 is allowed)",
  ],
  [
    { rows: 60, differing: 3, largest: null, allowed: 0.5 },
    "3 of 60 rows answered otherwise than by the pipeline (a share of 0.5 is allowed)",
  ],
  [
    { rows: 60, differing: 0, largest: 0, allowed: 0 },
    "0 of 60 rows answered otherwise than by the pipeline (a share of 0 is allowed)",
  ],
])("flips of trees are told: %o", async (flips, line) => {
  const { code, stdout } = await verifyChanged((copy) => {
    copy.edit("manifest.json", (manifest) => {
      manifest.parity.flips = flips;
    });
  });
  expect(code).toBe(0);
  expect(stdout).toContain(`made)\n  flips        ${line}\n  golden rows`);
});

describe("one changed byte", () => {
  test.each(demandFiles())("in %s is refused, by its name", async (file) => {
    const problems = await problemsOf((copy) => {
      const bytes = readFileSync(copy.path(file));
      bytes[Math.floor(bytes.length / 2)]! ^= 1;
      copy.write(file, bytes);
    });
    expect(problems.some((problem) => problem.includes(file) && /sha-?256/i.test(problem))).toBe(true);
  });

  test("in the manifest's hashes is refused, by the file that it is for", async () => {
    const [file] = demandFiles() as [string];
    const problems = await problemsOf((copy) => {
      const text = copy.read("manifest.json");
      const hash = JSON.parse(text).files[file].sha256 as string;
      copy.write("manifest.json", text.replace(hash, hash.slice(0, -1) + (hash.endsWith("0") ? "1" : "0")));
    });
    expect(problems[0]).toContain(file);
  });

  test("that the manifest can't be read with is refused", async () => {
    const problems = await problemsOf((copy) =>
      copy.write("manifest.json", copy.read("manifest.json").replace("{", "[")),
    );
    expect(problems[0]).toContain("manifest.json");
  });

  test("too many or too few is refused, by both sizes", async () => {
    const size = readFileSync(join(demandDirectory, "model.onnx")).length;
    const problems = await problemsOf((copy) =>
      copy.write("model.onnx", readFileSync(copy.path("model.onnx")).subarray(0, -1)),
    );
    expect(problems[0]).toMatch(new RegExp(`model\\.onnx.*${size}.*${size - 1}`));
  });
});

describe("with all hashes put right", () => {
  const changed = (change: (copy: DemandCopy) => void) =>
    problemsOf((copy) => {
      change(copy);
      copy.rehash();
    });
  // biome-ignore lint/suspicious/noExplicitAny: a graph's document
  const scaler = (graph: any) => graph.nodes.find(({ op }: { op: string }) => op === "standard_scaler").params;

  test("a scaler's mean that is off by 2^-40 is refused, by the feature and the rows", async () => {
    const problems = await changed((copy) =>
      copy.edit("preprocessing.json", (graph) => {
        scaler(graph).mean[1] *= 1 + 2 ** -40;
      }),
    );
    expect(problems[0]).toMatch(
      /^golden\.jsonl line \d+ \(\w+\), features\.X\[1\]: expected \S+, got \S+, \d+ ulp \(float64\) apart/,
    );
    expect(problems.at(-1)).toMatch(/^and \d+ more$/);
  });

  test("the report of a refusal says the worst difference of each kind", async () => {
    const { stderr } = await verifyChanged((copy) => {
      copy.edit("preprocessing.json", (graph) => {
        scaler(graph).mean[0] *= 1 + 2 ** -40;
      });
      copy.rehash();
    });
    expect(stderr).toMatch(
      / {2}features {5}worst difference \d+ ulp: golden\.jsonl line \d+ \(\w+\), features\.X\[0\]: expected/,
    );
    expect(stderr).toMatch(/ {2}raw outputs {2}worst difference \d+ ulp/);
  });

  test("swapped columns are refused", async () => {
    const problems = await changed((copy) =>
      copy.edit("preprocessing.json", (graph) => {
        graph.outputs[0].from.reverse();
      }),
    );
    expect(problems[0]).toContain("features.X[0]");
  });

  test("a scale that no longer belongs to its column is refused", async () => {
    const problems = await changed((copy) => copy.edit("preprocessing.json", (graph) => scaler(graph).scale.reverse()));
    expect(problems[0]).toMatch(/features\.X\[[01]\]/);
  });

  test("a graph that doesn't fit the model any more is refused", async () => {
    const problems = await changed((copy) => copy.edit("preprocessing.json", (graph) => graph.outputs[0].from.pop()));
    expect(problems.join("\n")).toContain("preprocessing.json");
  });

  test("another model is refused by what it answers", async () => {
    const problems = await changed((copy) =>
      copy.write(
        "model.onnx",
        encodeOnnx({
          nodes: [{ op: "MatMul", inputs: ["X", "weights"], outputs: ["Y"] }],
          inputs: [{ name: "X", type: "float32", shape: ["rows", 4] }],
          outputs: [{ name: "Y", type: "float32", shape: ["rows", 1] }],
          constants: { weights: { shape: [4, 1], values: [20, -2, 30, 50] } },
        }),
      ),
    );
    expect(problems[0]).toMatch(/^golden\.jsonl line 1 \(\w+\), raw\["main\.Y"\]\[0\], batch of 1: expected/);
  });

  test("a file that is no model is refused in a sentence", async () => {
    const problems = await changed((copy) => copy.write("model.onnx", new Uint8Array(1000).fill(7)));
    expect(problems).toEqual([expect.stringMatching(/^model "main": ONNX Runtime can't load the file: /)]);
  });

  test("another answer to one golden row is refused, by its line", async () => {
    const problems = await changed((copy) =>
      copy.editGolden((golden, index) => (index === 40 ? { ...golden, prediction: golden.prediction + 1 } : golden)),
    );
    expect(problems).toHaveLength(3);
    for (const problem of problems)
      expect(problem).toMatch(/^golden\.jsonl line 41 \(\w+\), prediction, batch of \d+:/);
  });

  test("too few golden rows are refused", async () => {
    const problems = await changed((copy) => copy.editGolden((golden, index) => (index < 255 ? golden : undefined)));
    expect(problems.join("\n")).toMatch(/golden\.jsonl: expected at least 256 rows with an answer, got 255/);
  });
});

describe("a folder that holds something else", () => {
  test("an unlisted file is refused, by its name", async () => {
    const problems = await problemsOf((copy) => copy.write("notes.txt", "remember the milk"));
    expect(problems.join("\n")).toContain("notes.txt");
  });

  test("a missing file is refused, by its name", async () => {
    const problems = await problemsOf((copy) => rmSync(copy.path("baseline.json")));
    expect(problems.join("\n")).toContain("baseline.json");
  });

  test("a link is refused, even to the very same file", async () => {
    const problems = await problemsOf((copy) => {
      rmSync(copy.path("card.md"));
      symlinkSync(join(demandDirectory, "card.md"), copy.path("card.md"));
    });
    expect(problems.join("\n")).toMatch(/card\.md.*link/);
  });

  test("a folder inside is refused", async () => {
    const problems = await problemsOf((copy) => mkdirSync(copy.path("more")));
    expect(problems.join("\n")).toContain("more");
  });

  test("a bundle under another version's number is refused", async () => {
    const copy = new DemandCopy();
    open.push(copy);
    copy.edit("manifest.json", (manifest) => {
      manifest.version = 2;
    });
    const { code, stderr } = await callCommand(verify, [copy.directory]);
    expect(code).toBe(1);
    expect(stderr).toContain("demand/2");
  });

  test("no bundle at all is refused", async () => {
    const copy = new DemandCopy();
    open.push(copy);
    const empty = join(copy.store, "nothing");
    const { code, stderr } = await callCommand(verify, [empty]);
    expect(code).toBe(1);
    expect(stderr).toContain(empty);
  });
});

describe("as a process", () => {
  test("ends with 0 for a true bundle, its report on standard output", async () => {
    const { code, stdout, stderr } = await runPlumb(["verify", demandDirectory]);
    expect([code, stderr]).toEqual([0, ""]);
    expect(stdout).toContain(": proved\n");
  });

  test("ends with 1 for another, its report on standard error", async () => {
    const copy = new DemandCopy();
    open.push(copy);
    copy.write("card.md", "another card");
    const { code, stdout, stderr } = await runPlumb(["verify", copy.directory]);
    expect([code, stdout]).toEqual([1, ""]);
    expect(stderr).toContain("card.md");
  });
});

test("an engine that isn't one is told, with those that are", async () => {
  const { code, stdout, stderr } = await callCommand(verify, [demandDirectory, "--engine", "treelite"]);
  expect([code, stdout]).toEqual([2, ""]);
  expect(stderr).toContain('--engine: expected auto, onnxruntime or tree, got "treelite"');
});

test.each([[[]], [["--json"]], [["a", "b"]], [["a", "--engine"]]])(
  "called with %j it says how it is used",
  async (args) => {
    const { code, stdout, stderr } = await callCommand(verify, args);
    expect([code, stdout]).toEqual([2, ""]);
    expect(stderr).toContain("plumb verify models/demand/1");
  },
);
