/** Samples of Prometheus' text format 0.0.4, read strictly: what this takes, every scraper takes. */

export interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** Samples by {@link seriesOf}, in the order in which the server writes them. */
export type Samples = ReadonlyMap<string, Sample>;

/** Reads the samples of a scrape; lines of another kind are passed over. */
export function parseSamples(text: string): Samples {
  const samples = text.split("\n").flatMap((line) => parseSample(line) ?? []);
  return new Map(samples.map((sample) => [seriesOf(sample), sample]));
}

/** The key of a sample's series: its name and its labels, in any order. */
export function seriesOf({ name, labels }: Sample): string {
  return `${name} ${JSON.stringify(Object.entries(labels).sort())}`;
}

/** The sum of a metric's samples that have (at least) these labels. */
export function sumOf(samples: Iterable<Sample>, name: string, labels: Readonly<Record<string, string>> = {}): number {
  let sum = 0;
  for (const sample of samples) {
    const fits = sample.name === name && Object.entries(labels).every(([key, value]) => sample.labels[key] === value);
    if (fits) sum += sample.value;
  }
  return sum;
}

/** @returns Undefined for a line that is no sample; one with a time stamp is none. */
export function parseSample(line: string): Sample | undefined {
  const [, name, labelText = "", valueText] = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)$/.exec(line) ?? [];
  if (name === undefined) return undefined;
  const labels: Record<string, string> = {};
  let rest = labelText;
  while (rest !== "") {
    const [whole, label, value] = /^([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\[\\"n])*)"(?:,|$)/.exec(rest) ?? [];
    if (whole === undefined || label! in labels) return undefined;
    labels[label!] = value!;
    rest = rest.slice(whole.length);
  }
  const value =
    { "+Inf": Number.POSITIVE_INFINITY, "-Inf": Number.NEGATIVE_INFINITY }[valueText!] ?? parseNumber(valueText!);
  return value === undefined ? undefined : { name, labels, value };
}

function parseNumber(text: string): number | undefined {
  // Go's ParseFloat, which the format refers to, takes "Nan" as well, and prom-client writes it.
  if (/^nan$/i.test(text)) return Number.NaN;
  return /^[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?$/.test(text) ? Number(text) : undefined;
}
