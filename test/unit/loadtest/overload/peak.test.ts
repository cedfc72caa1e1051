/** Goal: the peak is found on servers that hold it, collapse over it, or are measured with noise. */

import { describe, expect, test } from "vitest";
import { findPeak, type PeakStep } from "../../../../loadtest/overload/peak.js";

const search = { coarseS: 2, fineS: 4, repeats: 3 };

async function peakOf(goodput: (rate: number, step: number) => number, guess: number, bottleneck?: string) {
  const measured: [number, number][] = [];
  const measure = async (rate: number, seconds: number): Promise<PeakStep> => {
    measured.push([rate, seconds]);
    return { rate, goodput: goodput(rate, measured.length), bottleneck: rate > 1200 ? bottleneck : undefined };
  };
  return { peak: await findPeak(measure, guess, search), measured };
}

const collapses = (rate: number) => (rate <= 1000 ? rate : 50);
const holds = (rate: number) => Math.min(rate, 1000);

describe("findPeak", () => {
  test.each([
    ["collapses, a good guess", collapses, 1000],
    ["collapses, guessed too low", collapses, 600],
    ["collapses, guessed too high", collapses, 1900],
    ["holds, a good guess", holds, 1000],
    ["holds, guessed too low", holds, 500],
  ])("%s", async (_name, goodput, guess) => {
    const { peak } = await peakOf(goodput, guess);
    expect(peak.goodput).toBeGreaterThan(880);
    expect(peak.goodput).toBeLessThanOrEqual(1000);
  });

  test("takes no single lucky step for the peak", async () => {
    const { peak } = await peakOf((rate, step) => (step === 4 ? 3000 : holds(rate)), 1000);
    expect(peak.goodput).toBeLessThanOrEqual(1000);
  });

  test("measures the neighbours of the best rate again, in turns", async () => {
    const { measured, peak } = await peakOf(collapses, 1000);
    const fine = measured.filter(([, seconds]) => seconds === search.fineS).map(([rate]) => rate);
    expect(fine).toHaveLength(12);
    expect(fine.slice(0, 4)).toEqual(fine.slice(4, 8));
    expect(peak.steps).toHaveLength(measured.length);
  });

  test("ends on a server that answers nothing in time", async () => {
    const { peak } = await peakOf(() => 0, 1000);
    expect(peak.goodput).toBe(0);
  });

  test("is in doubt where the generator limited it", async () => {
    const { peak } = await peakOf((rate) => rate, 20_000, "busy");
    expect(peak.doubt).toBe("the generator was the bottleneck: busy");
    expect((await peakOf(holds, 1000)).peak.doubt).toBeUndefined();
  });

  test("goes on at lower rates where the machine became slower", async () => {
    const { peak } = await peakOf((rate, step) => (step < 11 ? collapses(rate) : rate <= 700 ? rate : 0), 1000);
    expect(peak.goodput).toBeGreaterThan(600);
    expect(peak.doubt).toBeUndefined();
  });

  test("is in doubt where it is far below what one step had", async () => {
    const { peak } = await peakOf((rate, step) => (step < 11 ? collapses(rate) : 10), 1000);
    expect(peak.doubt).toMatch(/10 in later ones: the machine was not steady/);
  });
});
