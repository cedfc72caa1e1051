/**
 * The page for people at `GET /`: what is served, in which state, and how to call it.
 *
 * Self-contained: nothing is loaded from anywhere, and the browser is told so (Content-Security-Policy). The one script
 * only puts the address under which the page was found into the commands, since a proxy may stand between; without it
 * they have the listener's own.
 */

import { expectedWords, type Feature } from "../../bundle/index.js";
import { curlCommand } from "../example-row.js";
import { iconAddress, pageHeaders, readUi } from "./page-parts.js";
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

let kept:
  | { readonly style: string; readonly script: string; readonly icon: string; readonly headers: readonly string[] }
  | undefined;

/** What is the same on every page, read when somebody asks for the first one. */
function parts() {
  if (kept !== undefined) return kept;
  const [style, script, icon] = [readUi("index/page.css"), readUi("index/page.js"), readUi("index/bob.svg")];
  kept = { style, script, icon, headers: pageHeaders(style, script) };
  return kept;
}

/** Names and values in turn. */
export function indexPageHeaders(): readonly string[] {
  return parts().headers;
}

/** @param base - `http://127.0.0.1:8080`: where the listener is. */
export function renderIndexPage(index: ServerIndex, base: string): string {
  const { version, ready, defaultModel, models, addresses } = index;
  const { style, script, icon } = parts();
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
<link rel="icon" href="${iconAddress(icon)}">
<style>${style}</style>
</head>
<body>
<header>${icon}<h1>Plumb<small>${escapeHtml(version)}</small></h1>${state}</header>
<main>
<p class="lead">This server answers predictions over HTTP. It serves ${count}.${byDefault} Try them in a form, and see every address, at <a href="docs">docs</a>.</p>
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
