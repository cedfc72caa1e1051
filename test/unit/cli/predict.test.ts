/**
 * Goal: `plumb predict` answers each line as the server would, in its order, one line for one, whatever the lines are.
 */

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { decodeNumber, type GoldenAnswer, readBundle } from "../../../bundle/index.js";
import { predictLines } from "../../../cli/predict.js";
import { callCommand, PlumbProcess, runPlumb } from "../../support/command.js";
import { DemandCopy, demandDirectory } from "../../support/demand-bundle.js";

let folder: string;
let golden: readonly GoldenAnswer[];
let goodLine: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "plumb-predict-"));
  const bundle = await readBundle(demandDirectory);
  golden = bundle.golden.filter((row): row is GoldenAnswer => row.error === undefined);
  goodLine = golden[0]!.rowJson;
});
afterAll(() => rmSync(folder, { recursive: true }));

/** Answers a file's lines in this process, file to file. */
async function answer(
  content: string | Uint8Array,
  ...flags: string[]
): Promise<{ text: string; lines: ReturnType<typeof JSON.parse>[] }> {
  const [input, output] = [join(folder, "in.jsonl"), join(folder, "out.jsonl")];
  writeFileSync(input, content);
  const result = await callCommand(predictLines, [demandDirectory, "--input", input, "--output", output, ...flags]);
  expect(result).toEqual({ code: 0, stdout: "", stderr: "" });
  const text = readFileSync(output, "utf8");
  return {
    text,
    lines: text
      .split("\n")
      .slice(0, -1)
      .map((line) => JSON.parse(line)),
  };
}

describe("golden rows", () => {
  test("are answered to the last bit", async () => {
    const { lines } = await answer(golden.map(({ rowJson }) => `${rowJson}\n`).join(""));
    expect(lines).toHaveLength(golden.length);
    for (const [i, line] of lines.entries()) {
      expect(Object.is(line.prediction, golden[i]!.prediction), `line ${i + 1}`).toBe(true);
      expect(line).toEqual({
        prediction: golden[i]!.prediction,
        model: "demand",
        version: 1,
        request_id: `line-${i + 1}`,
      });
    }
  });

  test("have the features that they were trained with, cast as the model takes them", async () => {
    const { lines } = await answer(golden.map(({ rowJson }) => `${rowJson}\n`).join(""), "--features");
    for (const [i, line] of lines.entries()) {
      const features = line.features.map((value: unknown) => decodeNumber(value));
      expect(features).toEqual(Array.from(golden[i]!.features.X!, Math.fround));
      expect(line.prediction).toBe(golden[i]!.prediction);
    }
  });

  test("have what the model gave for them, with their features or without", async () => {
    const rows = golden.map(({ rowJson }) => `${rowJson}\n`).join("");
    for (const flags of [["--raw"], ["--features", "--raw"]]) {
      const { lines } = await answer(rows, ...flags);
      expect(lines.map(({ raw }) => raw)).toEqual(golden.map(({ raw }) => Array.from(raw["main.Y"]!)));
      expect(lines.every(({ features }) => (features !== undefined) === flags.includes("--features"))).toBe(true);
    }
  });
});

test("every engine gives the same lines, raw outputs and all", async () => {
  const rows = golden.map(({ rowJson }) => `${rowJson}\n`).join("");
  const texts: string[] = [];
  for (const engine of ["onnxruntime", "tree", "auto"])
    texts.push((await answer(rows, "--raw", "--engine", engine)).text);
  expect(new Set(texts).size).toBe(1);
  expect(texts[0]!.split("\n")).toHaveLength(golden.length + 1);
});

test.each(["treelite", "", "Tree"])("the engine %j is told to be none, with 2", async (engine) => {
  const { code, stdout, stderr } = await callCommand(predictLines, [demandDirectory, "--engine", engine]);
  expect([code, stdout]).toEqual([2, ""]);
  expect(stderr).toBe(`plumb predict: --engine: expected auto, onnxruntime or tree, got ${JSON.stringify(engine)}\n`);
});

describe("lines", () => {
  const codes = (lines: readonly { error?: { code: string } }[]) => lines.map(({ error }) => error?.code ?? "ok");

  test("may be bad: each is answered with its error, and the others go on", async () => {
    const { lines } = await answer(`${goodLine}\n{"feature_price": "x"}\nhello\n[]\n${goodLine}\n`);
    expect(codes(lines)).toEqual(["ok", "schema_mismatch", "malformed_body", "schema_mismatch", "ok"]);
    expect(lines[1].error.issues).toContainEqual(expect.objectContaining({ row: 0, feature: "feature_price" }));
    expect(lines.map((line) => line.request_id ?? line.error.request_id)).toEqual([
      "line-1",
      "line-2",
      "line-3",
      "line-4",
      "line-5",
    ]);
    expect(lines[4].prediction).toBe(lines[0].prediction);
  });

  test("may end with CR and LF", async () => {
    const { lines } = await answer(`${goodLine}\r\n${goodLine}\r\n`);
    expect(codes(lines)).toEqual(["ok", "ok"]);
  });

  test("may end without a line feed", async () => {
    const { text, lines } = await answer(`${goodLine}\n${goodLine}`);
    expect(codes(lines)).toEqual(["ok", "ok"]);
    expect(text.endsWith("\n")).toBe(true);
  });

  test("may be empty: each is answered", async () => {
    const { lines } = await answer(`\n${goodLine}\n\r\n\n`);
    expect(codes(lines)).toEqual(["malformed_body", "ok", "malformed_body", "malformed_body"]);
  });

  test("may be none at all", async () => {
    expect((await answer("")).text).toBe("");
  });

  test("may be no UTF-8", async () => {
    const bad = Buffer.concat([Buffer.from('{"a": "'), Buffer.of(0xff), Buffer.from('"}\n')]);
    const { lines } = await answer(Buffer.concat([bad, Buffer.from(`${goodLine}\n`)]));
    expect(codes(lines)).toEqual(["malformed_body", "ok"]);
    expect(lines[0].error.message).toBe("the body isn't valid UTF-8");
  });

  test("may hold several rows, answered as /predict does", async () => {
    const rows = golden.slice(0, 3).map(({ rowJson }) => rowJson);
    const { lines } = await answer(
      `{"rows": [${rows.join()}]}\n{"partial": true, "rows": [{}, ${rows[0]}]}\n`,
      "--features",
    );
    expect(lines[0].predictions).toEqual(golden.slice(0, 3).map(({ prediction }) => prediction));
    expect(lines[0].features).toEqual(
      golden.slice(0, 3).flatMap(({ features }) => Array.from(features.X!, Math.fround)),
    );
    expect(lines[1].predictions).toEqual([null, golden[0]!.prediction]);
    expect(lines[1].errors).toMatchObject([{ row: 0, code: "schema_mismatch" }]);
  });

  test("may be longer than what is read at once, and letters may lie across", async () => {
    const long = (letters: number) => `${goodLine.slice(0, -1)}, "note": "${"é".repeat(letters)}"}\n`;
    const { lines } = await answer(`${long(50_000)}${goodLine}\n${long(33_333)}${long(200_001)}${goodLine}\n`);
    expect(codes(lines)).toEqual(["schema_mismatch", "ok", "schema_mismatch", "schema_mismatch", "ok"]);
    for (const line of [lines[0], lines[2], lines[3]]) expect(line.error.issues).toMatchObject([{ feature: "note" }]);
  });
});

describe("what can't be done is told", () => {
  test.each([
    ["a missing bundle", () => [join(folder, "none")], "none"],
    ["a missing input", () => [demandDirectory, "--input", join(folder, "none.jsonl")], "none.jsonl"],
    ["an input that is a folder", () => [demandDirectory, "--input", folder], "EISDIR"],
  ])("%s, with 1", async (_name, args, message) => {
    const { code, stdout, stderr } = await callCommand(predictLines, args());
    expect([code, stdout]).toEqual([1, ""]);
    expect(stderr).toMatch(/^plumb predict: /);
    expect(stderr).toContain(message);
  });

  test.each(["", '{"a": 1}\n'])("an output that can't be opened, with 1, also for the input %j", async (content) => {
    const input = join(folder, "some.jsonl");
    writeFileSync(input, content);
    const { code, stderr } = await runPlumb([
      "predict",
      demandDirectory,
      "--input",
      input,
      "--output",
      join(folder, "no", "such", "place"),
    ]);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^plumb predict: ENOENT/);
  });

  test("a bundle that was tampered with, with 1", async () => {
    const copy = new DemandCopy();
    try {
      copy.write("card.md", "another card");
      const { code, stderr } = await callCommand(predictLines, [copy.directory]);
      expect(code).toBe(1);
      expect(stderr).toContain("card.md");
    } finally {
      copy.remove();
    }
  });

  test.each([[[]], [["a", "b"]], [["a", "--inputs", "x"]], [["a", "--input"]]])(
    "wrong usage %j, with 2",
    async (args) => {
      const { code, stdout, stderr } = await callCommand(predictLines, args);
      expect([code, stdout]).toEqual([2, ""]);
      expect(stderr).toMatch(/^plumb predict: /);
    },
  );
});

describe("as a process", () => {
  test("reads standard input and writes standard output, more than fits into a pipe at once", async () => {
    const count = 20_000;
    const { code, stdout, stderr } = await runPlumb(["predict", demandDirectory], `${goodLine}\n`.repeat(count));
    expect([code, stderr]).toEqual([0, ""]);
    const lines = stdout.split("\n");
    expect(lines).toHaveLength(count + 1);
    expect(JSON.parse(lines[count - 1]!)).toMatchObject({
      prediction: golden[0]!.prediction,
      request_id: `line-${count}`,
    });
  });

  test("answers a line before the next one is there", async () => {
    const plumb = new PlumbProcess(["predict", demandDirectory]);
    for (const number of [1, 2]) {
      plumb.write(`${goodLine}\n`);
      const lines = await plumb.untilLines(number);
      expect(JSON.parse(lines.at(-1)!)).toMatchObject({ request_id: `line-${number}` });
    }
    expect(await plumb.end()).toMatchObject({ code: 0, stderr: "" });
  });

  test("ends in peace when its reader has seen enough", async () => {
    const input = join(folder, "long.jsonl");
    writeFileSync(input, `${goodLine}\n`.repeat(20_000));
    const plumb = new PlumbProcess(["predict", demandDirectory, "--input", input]);
    await plumb.untilLines(1);
    expect(await plumb.stopReading()).toMatchObject({ code: 0, stderr: "" });
  });
});

test("a row with fields that nobody reads is answered as without them, alone and in a list, by bundles that let them pass", async () => {
  const copy = new DemandCopy();
  copy.edit("schema.json", (schema) => (schema.additionalProperties = true));
  copy.rehash();
  const row = JSON.parse(goodLine);
  const [name] = Object.keys(row) as [string];
  const rows = [
    { ...row, customer: { id: 7 } },
    { ...row, [name.toUpperCase()]: 1 },
  ];
  const input = join(folder, "ignored.jsonl");
  writeFileSync(input, [...rows, [rows[0], row]].map((line) => `${JSON.stringify(line)}\n`).join(""));
  const { stdout } = await callCommand(predictLines, [copy.directory, "--input", input]);
  copy.remove();
  const [passed, refused, both] = stdout
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
  const { prediction } = golden[0]!;
  expect([passed.prediction, both.predictions]).toEqual([prediction, [prediction, prediction]]);
  expect(refused.error.issues).toMatchObject([{ feature: name.toUpperCase(), got: "a number" }]);
});
