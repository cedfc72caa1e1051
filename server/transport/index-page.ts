/**
 * The page for people at `GET /`: what is served, in which state, and how to call it.
 *
 * Self-contained: nothing is loaded from anywhere, and the browser is told so (Content-Security-Policy). The one script
 * only puts the address under which the page was found into the commands, since a proxy may stand between; without it
 * they have the listener's own.
 */

import { createHash } from "node:crypto";
import { expectedWords, type Feature } from "../../bundle/index.js";
import { curlCommand } from "../example-row.js";
import type { ServedAddress } from "./router.js";

export interface IndexedModel {
  readonly name: string;
  /** Null while no bundle of it could be read. */
  readonly task: string | null;
  /** The version that answers; null while none is ready. */
  readonly serving: number | null;
  readonly versions: readonly { readonly version: number; readonly state: string }[];
  /** Why its newest version failed, if it did. */
  readonly problem: string | undefined;
  /** Undefined where the model isn't ready, or is one of too many. */
  readonly call: { readonly row: string | undefined; readonly features: readonly Feature[] } | undefined;
}

export interface ServerIndex {
  /** Of Plumb. */
  readonly version: string;
  readonly ready: boolean;
  /** What `/predict` answers for, if that is settled. */
  readonly defaultModel: string | undefined;
  readonly models: readonly IndexedModel[];
  readonly addresses: readonly ServedAddress[];
}

/** Features of a model, and problems of a version, that are shown. */
const featuresMax = 40;
const problemCharsMax = 300;

const style = `
:root{color-scheme:light dark;--ink:#1c2430;--soft:#5b6675;--paper:#f6f7f9;--card:#fff;--line:#dfe3e8;--code:#f0f2f5;--accent:#0b6e5f;--good:#0f7a4d;--bad:#b3261e;--wait:#8a5a00}
@media(prefers-color-scheme:dark){:root{--ink:#e6eaf0;--soft:#9aa6b5;--paper:#11161d;--card:#1a212b;--line:#2c3643;--code:#10151c;--accent:#5ad1bb;--good:#5fd39a;--bad:#ff8a80;--wait:#f0bf5f}}
*{box-sizing:border-box}
body{margin:0;background:var(--paper);color:var(--ink);font:16px/1.55 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",sans-serif}
main,header,footer{max-width:62rem;margin:0 auto;padding:0 1.25rem}
header{display:flex;align-items:center;gap:.75rem;padding-top:2rem;padding-bottom:.25rem;flex-wrap:wrap}
header svg{width:2rem;height:2rem;color:var(--accent);flex:none}
h1{font-size:1.6rem;margin:0;letter-spacing:-.01em}
h1 small{font-size:.9rem;font-weight:400;color:var(--soft);letter-spacing:0;margin-left:.35rem}
h2{font-size:1.05rem;margin:2rem 0 .75rem}
p{margin:.4rem 0}
.lead,footer{color:var(--soft)}
.card{background:var(--card);border:1px solid var(--line);border-radius:12px;padding:1.1rem 1.25rem;margin:0 0 1rem}
.head{display:flex;align-items:baseline;gap:.6rem;flex-wrap:wrap}
.head h3{font-size:1.15rem;margin:0;overflow-wrap:anywhere}
.head .task{color:var(--soft)}
.head a{margin-left:auto}
a{color:var(--accent)}
.pill{display:inline-block;font-size:.8rem;line-height:1.5;padding:0 .6rem;border-radius:999px;border:1px solid currentColor;white-space:nowrap}
.ready{color:var(--good)}.failed{color:var(--bad)}.other{color:var(--wait)}
.states{display:flex;gap:.4rem;flex-wrap:wrap;margin:.55rem 0}
.problem{color:var(--bad);font-size:.9rem;overflow-wrap:anywhere}
.command{position:relative}
pre{background:var(--code);border:1px solid var(--line);border-radius:8px;margin:.6rem 0;padding:.8rem 1rem;max-height:9.6rem;overflow:auto;white-space:pre-wrap;overflow-wrap:anywhere}
pre,code{font:.86rem/1.55 ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace}
button{position:absolute;top:.45rem;right:.45rem;font:inherit;font-size:.8rem;color:var(--soft);background:var(--card);border:1px solid var(--line);border-radius:6px;padding:.1rem .6rem;cursor:pointer}
button:hover,button:focus-visible{color:var(--accent);border-color:currentColor}
summary{cursor:pointer;color:var(--soft);font-size:.92rem}
.scroll{overflow-x:auto}
table{border-collapse:collapse;width:100%;font-size:.92rem}
th,td{text-align:left;vertical-align:top;padding:.4rem .9rem .4rem 0;border-bottom:1px solid var(--line)}
tr:last-child td{border-bottom:0}
th{color:var(--soft);font-weight:500}
td code{white-space:nowrap}
footer{padding-top:.5rem;padding-bottom:2.5rem;font-size:.9rem}
`;

const script = `
const base = location.href.replace(/[?#].*$/, "").replace(/\\/$/, "");
for (const place of document.querySelectorAll(".base")) place.textContent = base;
for (const button of document.querySelectorAll("button")) {
  button.hidden = !navigator.clipboard;
  button.onclick = async () => {
    await navigator.clipboard.writeText(button.previousElementSibling.textContent);
    button.textContent = "Copied";
    setTimeout(() => { button.textContent = "Copy"; }, 1500);
  };
}
`;

const hash = (text: string) => `'sha256-${createHash("sha256").update(text).digest("base64")}'`;

/** A plumb bob. */
const bob =
  '<svg viewBox="0 0 32 32" fill="none" stroke="currentColor" stroke-width="2" stroke-linecap="round" stroke-linejoin="round" aria-hidden="true"><path d="M16 2v9"/><path d="M12 11h8v4l-4 15-4-15z" fill="currentColor"/></svg>';

let policy: string | undefined;

/** Names and values in turn. */
export function indexPageHeaders(): readonly string[] {
  policy ??= `default-src 'none'; style-src ${hash(style)}; script-src ${hash(script)}; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`;
  return ["content-security-policy", policy, "x-content-type-options", "nosniff", "referrer-policy", "no-referrer"];
}

/** @param base - `http://127.0.0.1:8080`: where the listener is. */
export function renderIndexPage(index: ServerIndex, base: string): string {
  const { version, ready, defaultModel, models, addresses } = index;
  const state = ready ? pill("ready", "ready") : pill("other", "not ready");
  const count = `${models.length} model${models.length === 1 ? "" : "s"}`;
  const byDefault =
    defaultModel === undefined ? "" : ` <code>POST /predict</code> asks <b>${escapeHtml(defaultModel)}</b>.`;
  const rows = addresses.map(
    ({ verb, address, what }) =>
      `<tr><td>${verb}</td><td><code>${verb === "GET" && !address.includes("{") ? link(address) : escapeHtml(address)}</code></td><td>${escapeHtml(what)}</td></tr>`,
  );
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Plumb: ${count} served</title>
<link rel="icon" href="data:image/svg+xml,${encodeURIComponent(bob.replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ').replaceAll("currentColor", "#0b6e5f"))}">
<style>${style}</style>
</head>
<body>
<header>${bob}<h1>Plumb<small>${escapeHtml(version)}</small></h1>${state}</header>
<main>
<p class="lead">This server answers predictions over HTTP. It serves ${count}.${byDefault}</p>
<h2>Models</h2>
${models.length === 0 ? '<div class="card"><p>No model is loaded yet.</p></div>' : models.map((model) => card(model, base)).join("\n")}
<h2>Addresses</h2>
<div class="card scroll"><table><thead><tr><th>verb</th><th>address</th><th>what</th></tr></thead><tbody>
${rows.join("\n")}
</tbody></table></div>
</main>
<footer>The same as JSON: <code>curl -s <span class="base">${escapeHtml(base)}</span>/</code>. Every address, header, limit and error: docs/http.md of Plumb.</footer>
<script>${script}</script>
</body>
</html>
`;
}

function card({ name, task, versions, problem, call }: IndexedModel, base: string): string {
  const states = versions.map(({ version, state }) =>
    pill(state === "ready" || state === "failed" ? state : "other", `version ${version}: ${state}`),
  );
  return `<section class="card">
<div class="head"><h3>${escapeHtml(name)}</h3><span class="task">${escapeHtml(task ?? "")}</span><a href="models/${encodeURIComponent(name)}">details</a></div>
<div class="states">${states.join("")}</div>
${problem === undefined ? "" : `<p class="problem">${escapeHtml(problem.slice(0, problemCharsMax))}</p>`}
${call === undefined ? "" : `${command(name, call.row, base)}\n${featureTable(name, call.features)}`}
</section>`;
}

function command(name: string, row: string | undefined, base: string): string {
  // The base stands in an element of its own, for the script.
  const place = "\u0000";
  const text = escapeHtml(curlCommand(`${place}/models/${name}/predict`, row));
  const withBase = text.replace(place, () => `<span class="base">${escapeHtml(base)}</span>`);
  return `<div class="command"><pre>${withBase}</pre><button type="button" hidden>Copy</button></div>`;
}

function featureTable(name: string, features: readonly Feature[]): string {
  const shown = features.slice(0, featuresMax).map((feature) => {
    const cells = [
      `<code>${escapeHtml(feature.name)}</code>`,
      escapeHtml(expectedWords(feature)),
      feature.required ? "required" : "optional",
    ];
    return `<tr>${cells.map((cell) => `<td>${cell}</td>`).join("")}</tr>`;
  });
  const more =
    features.length > shown.length
      ? `<p>And ${features.length - shown.length} more: ${link(`/models/${name}`)}</p>`
      : "";
  return `<details><summary>${features.length} feature${features.length === 1 ? "" : "s"} of a row</summary>
<div class="scroll"><table><thead><tr><th>feature</th><th>is</th><th></th></tr></thead><tbody>${shown.join("")}</tbody></table></div>${more}
</details>`;
}

function pill(kind: string, text: string): string {
  return `<span class="pill ${kind}">${escapeHtml(text)}</span>`;
}

/** Relative, so that it leads to the same server behind a proxy's prefix. */
function link(address: string): string {
  return `<a href="${escapeHtml(address.slice(1) || ".")}">${escapeHtml(address)}</a>`;
}

const entities: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (char) => entities[char]!);
}
