/**
 * Goal: a model runs on the tree kernel only where that gives ONNX Runtime's bits and is the faster, and whoever asks
 * is told why not.
 */

import { beforeEach, describe, expect, test } from "vitest";
import type { Block } from "../../../../preprocessing/index.js";
import type { Engine, EngineModel, EngineSession } from "../../../../server/inference/engine.js";
import {
  asChosen,
  type ChooserOptions,
  type EngineChoice,
  EngineChooser,
  type EngineSetting,
  type Engines,
} from "../../../../server/inference/engines.js";
import { onnxruntime } from "../../../../server/inference/session.js";
import { NotCovered } from "../../../../server/inference/tree/not-covered.js";
import { treeEngine } from "../../../../server/inference/tree/tree-engine.js";
import { encodeOnnx } from "../../../support/onnx-file.js";
import { randomOf } from "../../../support/random-forest.js";
import { type TreeNode, treeModel } from "../../../support/tree-onnx.js";

const stump: TreeNode = { feature: 0, split: 0.5, yes: 1, no: { feature: 1, split: -2, yes: 2, no: 3 } };
const trees = treeModel({ dtype: "float32", featureCount: 2, trees: [stump] });
const column = (name: string) => ({ name, dtype: "float32" as const, shape: ["rows", 2] as const });
const noTrees: EngineModel = {
  ...trees,
  id: "linear",
  bytes: encodeOnnx({
    nodes: [{ op: "Neg", inputs: ["X"], outputs: ["Y"] }],
    inputs: [{ name: "X", type: "float32", shape: ["rows", 2] }],
    outputs: [{ name: "Y", type: "float32", shape: ["rows", 2] }],
  }),
  outputs: [column("Y")],
};
/** 130 rows: two tiles and a little more. */
const golden = Float32Array.from({ length: 260 }, (_, i) => Math.fround(3 * Math.sin(i)));

/** What engines did, in order; the real ones, whose runs take as long as a test says. */
let events: string[];
let nowMs: number;
beforeEach(() => {
  events = [];
  nowMs = 0;
});

interface Changes {
  /** Microseconds a row. */
  readonly us?: number;
  /** What becomes of an answer. */
  readonly answer?: ((answer: Block, rows: Block, rowCount: number) => Block) | undefined;
  /** What it does in place of loading. */
  readonly load?: () => never;
}

function changed<S extends EngineSession>(
  name: string,
  engine: { load(model: EngineModel): S },
  { us = 1, answer, load }: Changes,
) {
  return {
    name,
    load(model: EngineModel): S {
      load?.();
      events.push(`${name} loads ${model.id}`);
      const session = engine.load(model);
      const run = session.run.bind(session);
      const release = session.release.bind(session);
      return Object.assign(session, {
        run(blocks: readonly Block[], rowCount: number): Block[] {
          nowMs += (us * rowCount) / 1000;
          const outputs = run(blocks, rowCount);
          return answer === undefined ? outputs : [answer(outputs[0]!, blocks[0]!, rowCount)];
        },
        release() {
          events.push(`${name} releases ${model.id}`);
          release();
        },
      });
    },
  };
}

function engines(tree: Changes = {}, reference: Changes = {}): Engines & { readonly onnxruntime: Engine } {
  return {
    tree: changed("tree", treeEngine, tree),
    onnxruntime: changed("onnxruntime", onnxruntime, { us: 10, ...reference }),
  };
}

function chooser(setting: EngineSetting, using: Engines, change: Partial<ChooserOptions> = {}): EngineChooser {
  return new EngineChooser(
    { setting, samples: new Map([["X", golden]]), random: randomOf(1), now: () => nowMs, ...change },
    using,
  );
}

/** Whether it gives what ONNX Runtime gives. */
function answers(session: EngineSession): boolean {
  const reference = onnxruntime.load(trees);
  const [expected, got] = [reference, session].map((each) => each.run([golden.slice(0, 40)], 20)[0]);
  reference.release();
  return expected!.every((value, i) => Object.is(value, got![i]));
}

describe("the tree kernel is taken", () => {
  test.each(["auto", "tree"] as const)(
    "under %s, where it gives the same bits and is faster; ONNX Runtime's session is let go",
    (setting) => {
      const choosing = chooser(setting, engines());
      expect(answers(choosing.load(trees))).toBe(true);
      expect(choosing.choices).toEqual([{ model: "main", engine: "tree", reason: undefined, differed: false }]);
      expect(events).toEqual(["tree loads main", "onnxruntime loads main", "onnxruntime releases main"]);
    },
  );

  test("under tree although it is slower: nobody looks", () => {
    const choosing = chooser("tree", engines({ us: 1000 }));
    choosing.load(trees);
    expect(choosing.choices).toMatchObject([{ engine: "tree", reason: undefined }]);
  });

  test.each([
    ["no golden rows", new Map()],
    ["golden rows of other inputs only", new Map([["W", golden]])],
    ["an empty block of golden rows", new Map([["X", new Float32Array(0)]])],
  ])("with %s: rows are made", (_, samples) => {
    const choosing = chooser("auto", engines(), { samples });
    expect(answers(choosing.load(trees))).toBe(true);
    expect(choosing.choices).toMatchObject([{ engine: "tree" }]);
  });
});

describe("ONNX Runtime is taken", () => {
  test("where it is asked for, and nothing else is even loaded", () => {
    const choosing = chooser("onnxruntime", engines());
    expect(answers(choosing.load(trees))).toBe(true);
    expect(choosing.choices).toEqual([{ model: "main", engine: "onnxruntime", reason: undefined, differed: false }]);
    expect(events).toEqual(["onnxruntime loads main"]);
  });

  test.each(["auto", "tree"] as const)(
    "under %s, where the tree kernel doesn't cover the model, for the reason that it gives",
    (setting) => {
      const choosing = chooser(setting, engines());
      const [got] = choosing.load(noTrees).run([Float32Array.of(1, 2)], 1);
      expect(got).toEqual(Float32Array.of(-1, -2));
      expect(choosing.choices).toEqual([
        { model: "linear", engine: "onnxruntime", reason: "it has no TreeEnsemble", differed: false },
      ]);
    },
  );

  test("where the tree kernel fails as nobody thought of", () => {
    const load = () => {
      throw new TypeError("undefined isn't a tree");
    };
    const choosing = chooser("tree", engines({ load }));
    expect(answers(choosing.load(trees))).toBe(true);
    expect(choosing.choices).toMatchObject([
      { reason: "the tree kernel failed on it: undefined isn't a tree", differed: false },
    ]);
  });

  test("under auto where the tree kernel is slower, and the times are told", () => {
    const choosing = chooser("auto", engines({ us: 25 }));
    expect(answers(choosing.load(trees))).toBe(true);
    const each = [1, 16, 64].map((rows) => `25.00 against 10.00 us a row in batches of ${rows}`).join(", ");
    expect(choosing.choices).toEqual([
      {
        model: "main",
        engine: "onnxruntime",
        reason: `the tree kernel is slower for it here: ${each}`,
        differed: false,
      },
    ]);
    expect(events).toEqual(["tree loads main", "onnxruntime loads main", "tree releases main"]);
  });
});

/** Answers that differ in rows that fit. */
const wrongWhere =
  (
    fits: (row: Block, rowCount: number) => boolean,
    by: (value: number) => number = (value) => value + 1,
  ): Changes["answer"] =>
  (answer, rows, rowCount) =>
    answer.map((value, row) => (fits(rows.slice(2 * row, 2 * row + 2), rowCount) ? by(value) : value)) as Block;

describe.each(["auto", "tree"] as const)("under %s, the tree kernel is given up for", (setting) => {
  const reasonFor = (answer: Changes["answer"], reference?: Changes["answer"]): string | undefined => {
    const choosing = chooser(setting, engines({ answer }, { answer: reference }));
    const session = choosing.load(trees);
    expect(choosing.choices).toMatchObject([{ model: "main", engine: "onnxruntime", differed: true }]);
    expect(events.at(-1)).toBe("tree releases main");
    if (reference === undefined) expect(answers(session)).toBe(true);
    return choosing.choices[0]!.reason;
  };

  test("another answer to a golden row", () => {
    expect(reasonFor(wrongWhere((row) => row[0] === golden[140]))).toMatch(
      /^the tree kernel's answer differs: golden row 71, in a batch of 64: ONNX Runtime gives (\d), the kernel (?!\1)\d$/,
    );
  });

  test("another answer to a golden row alone, or in a small batch", () => {
    expect(reasonFor(wrongWhere((row, rowCount) => rowCount === 1 && row[0] === golden[20]))).toContain(
      "golden row 11, in a batch of 1:",
    );
    expect(reasonFor(wrongWhere((row, rowCount) => rowCount === 7 && row[0] === golden[20]))).toContain(
      "golden row 11, in a batch of 7:",
    );
    expect(reasonFor(wrongWhere((row, rowCount) => rowCount === 2 && row[0] === golden[256]))).toContain(
      "golden row 129, in a batch of 2:",
    );
  });

  test.each<[string, (value: number) => boolean]>([
    ["a missing value", Number.isNaN],
    ["an infinite one", (value) => value === Number.POSITIVE_INFINITY],
    ["negative zero", (value) => Object.is(value, -0)],
    ["a threshold", (value) => value === 0.5],
    ["the float below a threshold", (value) => value === 0.5 - 2 ** -25],
  ])("another answer to %s, which no golden row has", (_, fits) => {
    expect(golden.some(fits)).toBe(false);
    expect(reasonFor(wrongWhere((row) => fits(row[0]!)))).toMatch(
      /^the tree kernel's answer differs: made row \d+, in a batch of \d+: /,
    );
  });

  test("a last bit, and the sign of a zero", () => {
    expect(
      reasonFor(
        wrongWhere(
          () => true,
          (value) => value * (1 + 2 ** -23),
        ),
      ),
    ).toContain("golden row 1,");
    const zero: Changes["answer"] = (answer) => answer.map(() => 0) as Block;
    const negative: Changes["answer"] = (answer) => answer.map(() => -0) as Block;
    expect(reasonFor(negative, zero)).toBe(
      "the tree kernel's answer differs: golden row 1, in a batch of 64: ONNX Runtime gives 0, the kernel -0",
    );
  });

  test("a trap, which says nothing of the model", () => {
    const trap = () => {
      throw new Error("memory access out of bounds");
    };
    expect(reasonFor(trap)).toBe("the tree kernel can't be compared with ONNX Runtime: memory access out of bounds");
  });
});

test("missing answers are equal", () => {
  const missing: Changes["answer"] = (answer) => answer.map(() => Number.NaN) as Block;
  const choosing = chooser("auto", engines({ answer: missing }, { answer: missing }));
  choosing.load(trees);
  expect(choosing.choices).toMatchObject([{ engine: "tree" }]);
});

describe.each(["auto", "onnxruntime", "tree"] as const)("under %s", (setting) => {
  test("a model that ONNX Runtime can't load isn't loaded, whatever the tree kernel makes of it", () => {
    const load = () => {
      throw new Error('model "main": ONNX Runtime can\'t load the file');
    };
    const choosing = chooser(setting, engines({}, { load }));
    expect(() => choosing.load(trees)).toThrow('model "main": ONNX Runtime can\'t load the file');
    expect(choosing.choices).toEqual([]);
  });
});

describe("choices", () => {
  const second = { ...trees, id: "second" };

  test("are remembered by model, in the order of loading", () => {
    const choosing = chooser("auto", engines());
    for (const model of [noTrees, trees, second]) choosing.load(model);
    expect(choosing.choices.map(({ model, engine }) => [model, engine])).toEqual([
      ["linear", "onnxruntime"],
      ["main", "tree"],
      ["second", "tree"],
    ]);
  });

  test("are what workers load, without a proof of their own", () => {
    const choosing = chooser("auto", engines());
    for (const model of [noTrees, trees]) choosing.load(model);
    events = [];
    const worker = asChosen(chosenFor([noTrees, trees], choosing.choices), engines());
    for (const model of [trees, noTrees]) worker.load(model);
    expect(events).toEqual(["tree loads main", "onnxruntime loads linear"]);
  });

  test("that weren't made are a sentence", () => {
    const worker = asChosen(chosenFor([trees], []), engines());
    expect(() => worker.load(trees)).toThrow('model "main": no engine was chosen for it');
    expect(events).toEqual([]);
  });

  test("that can't be kept are told: a worker has no other engine to go to", () => {
    const load = () => {
      throw new NotCovered("it would take 600 MB, and 512 is the most");
    };
    const choice: EngineChoice = { model: "main", engine: "tree", reason: undefined, differed: false };
    const worker = asChosen(chosenFor([trees], [choice]), engines({ load }));
    expect(() => worker.load(trees)).toThrow("it would take 600 MB, and 512 is the most");
  });
});

function chosenFor(models: readonly EngineModel[], choices: readonly EngineChoice[]) {
  return { models, chosen: choices.map(({ engine }) => engine) };
}
