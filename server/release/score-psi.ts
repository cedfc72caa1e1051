/**
 * How far the distribution of a shadow's scores is from the champion's: the population stability index.
 *
 * Scores are counted in fine buckets that both share, so that counts of several processes add up; the index is then
 * taken over about ten bins of which each has a tenth of the champion's scores. Labels are their own bins.
 */

/** Of one score: how often each bucket came. A number's bucket is a number, a label's its text. */
export type BucketCounts = ReadonlyMap<number | string, number>;

const binCount = 10;
/** Buckets of a doubling: 1.1 % wide. */
const perDoubling = 64;
/** So that buckets of 1e-300 and less still count up from 1. */
const doublings = 1100;
/** Added to the count of each bin, so that an empty one has a logarithm. */
const smoothing = 0.5;

/** The bucket of a score, in the order of the numbers. */
export function scoreBucket(score: number): number {
  if (score === 0) return 0;
  return Math.sign(score) * (1 + Math.floor((Math.log2(Math.abs(score)) + doublings) * perDoubling));
}

/**
 * @returns 0 for the same counts; by custom, from 0.1 on a change to look at, from 0.25 on a large one. Null where nothing
 *   is counted.
 */
export function stabilityIndex(champion: BucketCounts, shadow: BucketCounts): number | null {
  const bins = binsOf(champion, shadow);
  const sum = (side: 0 | 1) => bins.reduce((all, bin) => all + bin[side] + smoothing, 0);
  if (bins.length === 0) return null;
  const [all, allOther] = [sum(0), sum(1)];
  return bins.reduce((index, [count, other]) => {
    const [share, otherShare] = [(count + smoothing) / all, (other + smoothing) / allOther];
    return index + (share - otherShare) * Math.log(share / otherShare);
  }, 0);
}

/** The champion's and the shadow's count of each bin. */
function binsOf(champion: BucketCounts, shadow: BucketCounts): [number, number][] {
  const buckets = [...new Set([...champion.keys(), ...shadow.keys()])];
  const countsOf = (bucket: number | string): [number, number] => [champion.get(bucket) ?? 0, shadow.get(bucket) ?? 0];
  if (buckets.some((bucket) => typeof bucket === "string")) return buckets.map(countsOf);
  const total = [...champion.values()].reduce((sum, count) => sum + count, 0);
  const bins: [number, number][] = [];
  let open: [number, number] | undefined;
  for (const bucket of (buckets as number[]).sort((a, b) => a - b)) {
    const [count, other] = countsOf(bucket);
    open = open === undefined ? [count, other] : [open[0] + count, open[1] + other];
    if (open[0] < total / binCount) continue;
    bins.push(open);
    open = undefined;
  }
  // What is left has less than a tenth of the champion's.
  const last = bins.at(-1);
  if (open !== undefined && last !== undefined) bins[bins.length - 1] = [last[0] + open[0], last[1] + open[1]];
  else if (open !== undefined) bins.push(open);
  return bins;
}
