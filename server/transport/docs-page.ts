/**
 * The page at `GET /docs`: every address and model, and a form that asks for a prediction. The same bytes for every
 * server; its script reads `openapi.json` beside it.
 */

import { type KeptText, keepText } from "./kept-text.js";
import { iconAddress, pageHeaders, readUi } from "./page-parts.js";

let kept: { readonly text: KeptText; readonly headers: readonly string[] } | undefined;

/** Read when somebody asks for the page. */
export function docsPage(): { readonly text: KeptText; readonly headers: readonly string[] } {
  if (kept !== undefined) return kept;
  const style = `${readUi("index/page.css")}\n${readUi("docs/page.css")}`;
  const script = `${readUi("docs/form.js")}\n${readUi("docs/page.js")}`;
  const icon = readUi("index/bob.svg");
  const head = `<link rel="icon" href="${iconAddress(icon)}">\n<style>${style}</style>`;
  const places: Readonly<Record<string, string>> = { head, icon, script: `<script>${script}</script>` };
  const page = readUi("docs/page.html").replace(/<!-- (\w+) -->/g, (_, place: string) => places[place]!);
  const bytes = Buffer.from(`${page}\n`);
  kept = { text: keepText(bytes, bytes), headers: pageHeaders(style, script, true) };
  return kept;
}
