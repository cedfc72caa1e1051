/** The page around a report's parts: one file that needs nothing else, neither a network nor another file. */

import { createHash } from "node:crypto";
import { type Child, element, embeddedJson, rawElement } from "./markup.js";
import { script, style } from "./style.js";

export interface Page {
  readonly title: string;
  readonly subtitle: string;
  readonly passed: boolean;
  /** The verdict in a sentence, and the reasons where there are several. */
  readonly verdict: string;
  readonly reasons: readonly string[];
  /** The few figures that one looks for first, by name. */
  readonly figures: readonly (readonly [string, string])[];
  /** Charts and sections, in the order in which they're read. */
  readonly parts: readonly Child[];
  /** The run's settings, the machine and the command. */
  readonly facts: readonly (readonly [string, string])[];
  readonly command: string;
  /** How to read it: a paragraph each. */
  readonly reading: readonly string[];
  /** Below everything: the figures as a table. */
  readonly table: Child;
  /** For programs: stands in the page as JSON. */
  readonly data: unknown;
}

/** @returns The HTML of the page. */
export function pageHtml(page: Page): string {
  const { title, passed, verdict, reasons, figures, parts, facts, command, reading, table, data } = page;
  // Only this script runs, whatever else gets into the page.
  const hash = createHash("sha256").update(script).digest("base64");
  const policy = `default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-${hash}'; img-src data:`;
  const head = element(
    "head",
    {},
    element("meta", { charset: "utf-8" }),
    element("meta", { "http-equiv": "Content-Security-Policy", content: policy }),
    element("meta", { name: "viewport", content: "width=device-width, initial-scale=1" }),
    element("meta", { name: "color-scheme", content: "light dark" }),
    element("link", { rel: "icon", href: "data:," }),
    element("title", {}, `${title}: ${passed ? "passed" : "failed"}`),
    rawElement("style", {}, style),
  );
  const main = element(
    "main",
    {},
    element(
      "header",
      {},
      element(
        "div",
        { class: "top" },
        element("h1", {}, title),
        element("button", { id: "theme", type: "button", hidden: true }, "Dark"),
      ),
      element("p", { class: "under" }, page.subtitle),
      element(
        "div",
        { class: `verdict ${passed ? "passed" : "failed"}`, id: "verdict" },
        element("p", {}, element("strong", {}, passed ? "✓ Passed. " : "✗ Failed. "), verdict),
        reasons.length > 0
          ? element(
              "ul",
              {},
              reasons.map((reason) => element("li", {}, reason)),
            )
          : undefined,
      ),
      element(
        "dl",
        { class: "tiles" },
        figures.map(([name, value]) => element("div", {}, element("dt", {}, name), element("dd", {}, value))),
      ),
    ),
    element("div", { class: "grid" }, parts),
    element(
      "div",
      { class: "grid section" },
      element(
        "section",
        { class: "card", id: "facts" },
        element("h2", {}, "The run"),
        element(
          "dl",
          { class: "facts" },
          facts.map(([name, value]) => [element("dt", {}, name), element("dd", {}, value)]),
          element("dt", {}, "to repeat it"),
          element("dd", {}, element("code", {}, command)),
        ),
      ),
      element(
        "section",
        { class: "card reading" },
        element("h2", {}, "How to read this"),
        reading.map((text) => element("p", {}, text)),
      ),
    ),
    table,
  );
  const body = element("body", {}, main, embeddedJson("load-report", data), rawElement("script", {}, script));
  return `<!doctype html>\n${element("html", { lang: "en" }, head, body).html}\n`;
}

/** A table that opens when it is asked for. The first row is the head. */
export function foldedTable(title: string, [head = [], ...rows]: readonly (readonly string[])[]): Child {
  const headCells = head.map((text) => element("th", { scope: "col" }, text));
  const lines = rows.map(([first, ...rest]) =>
    element(
      "tr",
      {},
      element("th", { scope: "row" }, first),
      rest.map((text) => element("td", {}, text)),
    ),
  );
  return element(
    "details",
    { class: "card section" },
    element("summary", {}, title),
    element(
      "div",
      { class: "scroll", tabindex: 0, role: "region", "aria-label": title },
      element("table", {}, element("thead", {}, element("tr", {}, headCells)), element("tbody", {}, lines)),
    ),
  );
}
