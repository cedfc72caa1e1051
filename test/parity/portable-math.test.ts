/**
 * Goal: the portable mathematics of the server has the bits of the trainer's, and of the engine's own functions where
 * those are fdlibm's.
 */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { describe, expect, it } from "vitest";
import * as functions from "../../preprocessing/math/portable.js";
import { bitsOf, type FunctionPlan, inputs, plans, readBits } from "./portable-inputs.js";

type Portable = (x: number, y: number) => number;
const portable: Readonly<Record<string, Portable>> = functions;
const { count, block: blockLength } = plans;

function results(f: Portable, [first, second = first]: Float64Array[]): Float64Array {
  return first!.map((x, index) => f(x, second![index]!));
}

function hash(columns: readonly Float64Array[]): string {
  const sum = createHash("sha256");
  // One pattern for every NaN: engines and processors differ in its sign.
  for (const column of columns) sum.update(column.map((x) => (Number.isNaN(x) ? Number.NaN : x)));
  return sum.digest("hex").slice(0, 12);
}

function differingBlocks(f: Portable, plan: FunctionPlan): number[] {
  return plan.hashes.split(" ").flatMap((expected, block) => {
    const arguments_ = inputs(plan, block * blockLength, Math.min((block + 1) * blockLength, count));
    return hash([...arguments_, results(f, arguments_)]) === expected ? [] : [block];
  });
}

const python = "trainer/.venv/bin/python";

/** What a differing block's hash hides: the first value in it that differs. The trainer prints its own. */
function firstDifference(name: string, f: Portable, plan: FunctionPlan, block: number): string {
  const command = ["trainer/parity_math.py", "--values", name, String(block)];
  if (!existsSync(python)) return `${name}: block ${block} differs; ${python} ${command.join(" ")} would print it`;
  const lines = execFileSync(python, command, { encoding: "utf8", maxBuffer: 2 ** 26 })
    .trim()
    .split("\n");
  const arguments_ = inputs(plan, block * blockLength, block * blockLength + lines.length);
  const columns = [...arguments_, results(f, arguments_)];
  for (const [index, line] of lines.entries()) {
    const [ours, theirs] = [columns.map((column) => column[index]!), line.split(" ").map(readBits)];
    if (ours.some((x, column) => !Object.is(x, theirs[column])))
      return `${name}: ${tell(ours)} here, ${tell(theirs)} in the trainer`;
  }
  return `${name}: block ${block} is what the trainer computes here; portable-math.json was written by something else`;
}

function tell(values: readonly number[]): string {
  const told = values.map((x) => `${x} (${bitsOf(x)})`);
  return `${told.slice(0, -1).join(", ")} -> ${told.at(-1)}`;
}

describe("portable mathematics", () => {
  it("has a plan for each function, and the other way round", () => {
    expect(Object.keys(plans.functions).sort()).toEqual(Object.keys(portable).sort());
    for (const { hashes } of Object.values(plans.functions))
      expect(hashes.split(" ")).toHaveLength(Math.ceil(count / blockLength));
  });

  it.each(Object.entries(plans.functions))("%s has the trainer's bits", (name, plan) => {
    const f = portable[name]!;
    const [block] = differingBlocks(f, plan);
    if (block !== undefined) expect.fail(firstDifference(name, f, plan, block));
  });

  it("sees a single bit, and names the value", () => {
    const plan = plans.functions.log!;
    const [wrong] = inputs(plan, 5000, 5001);
    const almost: Portable = (x) => (Object.is(x, wrong![0]) ? readBits("3ff0000000000000") : functions.log(x));
    expect(differingBlocks(almost, { ...plan, hashes: plan.hashes.split(" ").slice(0, 3).join(" ") })).toEqual([1]);
  });
});

describe("the engine's own function", () => {
  // Known to be fdlibm's there. Newer engines have other ones, and other processors let compilers fuse a product and a
  // sum.
  const known = process.arch === "x64" && ["20", "24"].includes(process.versions.node.split(".")[0]!);
  const largeFrom = 2 ** 20 * 1.57; // from here on, our reduction by pi/2 isn't fdlibm's

  it.for(["exp", "expm1", "log", "log1p", "tanh", "sin", "cos"] as const)(
    "Math.%s has the same bits",
    (name, context) => {
      if (!known) context.skip(`Math.${name} of Node ${process.versions.node} on ${process.arch} was never compared`);
      const [all] = inputs(plans.functions[name]!, 0, count);
      const x = name === "sin" || name === "cos" ? all!.filter((value) => !(Math.abs(value) >= largeFrom)) : all!;
      const differing = x.filter((value) => !Object.is(portable[name]!(value, 0), Math[name](value)));
      expect(x.length).toBeGreaterThan(count / 2);
      expect([...differing.subarray(0, 3)]).toEqual([]);
    },
  );
});
