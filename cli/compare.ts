/** `plumb compare MODEL`: what a model's shadows answered beside its champion, asked of the admin listener. */

import { request } from "node:http";
import { parseArgs } from "node:util";

const timeoutMs = 10_000;
const adminDefault = "http://127.0.0.1:8082";

interface Compared {
  readonly model: string;
  readonly champion: number | null;
  readonly shadows: readonly ComparedShadow[];
}

interface ComparedShadow {
  readonly version?: number;
  readonly url?: string;
  readonly calls: Readonly<Record<string, number>>;
  readonly rows: number;
  readonly difference: Readonly<Record<"equal_rows" | "mean" | "p99_absolute" | "largest_absolute", number | null>>;
  readonly flips: number | null;
  readonly score_psi: number | null;
  readonly work_ms: { readonly mean_difference: number | null };
}

/** @returns The exit code: 0; 1 where the listener doesn't answer, or refuses; 2 for wrong usage. */
export async function compare(args: readonly string[]): Promise<number> {
  let url: string;
  let isJson: boolean;
  try {
    const options = { json: { type: "boolean" }, admin: { type: "string", default: adminDefault } } as const;
    const { positionals, values } = parseArgs({ args: [...args], options, allowPositionals: true });
    if (positionals.length !== 1) throw new Error("expected one model");
    url = new URL(`/models/${encodeURIComponent(positionals[0]!)}/compare`, values.admin).href;
    if (!url.startsWith("http:")) throw new Error("--admin: expected a URL as http://127.0.0.1:8082");
    isJson = values.json === true;
  } catch (error) {
    process.stderr.write(`plumb compare: ${(error as Error).message}: as in \`plumb compare demand\`\n`);
    return 2;
  }
  try {
    const { status, body } = await ask(url);
    const json = JSON.parse(body);
    if (status !== 200) throw new Error(json.error?.message ?? `status ${status}`);
    process.stdout.write(isJson ? `${JSON.stringify(json, undefined, 2)}\n` : describe(json));
    return 0;
  } catch (error) {
    process.stderr.write(`plumb compare: ${url}: ${(error as Error).message}\n`);
    return 1;
  }
}

async function ask(url: string): Promise<{ status: number; body: string }> {
  return await new Promise((resolve, reject) => {
    const asked = request(url, { agent: false, signal: AbortSignal.timeout(timeoutMs) }, (reply) => {
      let body = "";
      reply
        .setEncoding("utf8")
        .on("data", (piece: string) => {
          body += piece;
        })
        .on("error", reject)
        .on("end", () => resolve({ status: reply.statusCode!, body }));
    });
    asked.on("error", reject).end();
  });
}

const columns = [
  "shadow",
  "compared",
  "failed",
  "shed",
  "rows",
  "equal",
  "mean",
  "p99",
  "largest",
  "flips",
  "psi",
  "extra ms",
];

function describe({ model, champion, shadows }: Compared): string {
  const head = `${model}: champion ${champion === null ? "not ready" : `version ${champion}`}`;
  if (shadows.length === 0) return `${head}, no shadow has answered beside it\n`;
  const rows = shadows.map(({ version, url, calls, rows, difference, flips, score_psi, work_ms }) =>
    [
      url ?? `version ${version}`,
      calls.compared!,
      `${calls.shadow_failed}+${calls.champion_failed}`,
      calls.shed!,
      rows,
      rows === 0 ? null : `${((100 * difference.equal_rows!) / rows).toFixed(2)}%`,
      difference.mean,
      difference.p99_absolute,
      difference.largest_absolute,
      flips,
      score_psi,
      work_ms.mean_difference,
    ].map(shown),
  );
  const all = [columns, ...rows];
  const widths = columns.map((_, i) => Math.max(...all.map((row) => row[i]!.length)));
  const lines = all.map((row) =>
    row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!))).join("  "),
  );
  return `${head}\n\n${lines.join("\n")}\n\nfailed: of the shadow + of the champion; equal: rows within the tolerance; differences are the shadow's less the champion's\n`;
}

function shown(value: string | number | null): string {
  if (value === null) return "-";
  return typeof value === "string" || Number.isInteger(value) ? String(value) : value.toPrecision(4);
}
