/**
 * How the page looks: light or dark as the reader's system says or the button, narrow or wide, and on paper. The texts
 * are files of `ui/report`.
 *
 * The colours of the series are far apart in lightness or hue for the common kinds of colour blindness (after Okabe and
 * Ito, 2008), with at least 3 : 1 against their background; dashes tell the lines apart as well.
 */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { projectRoot } from "../project.js";

/** By the variable's name. */
type Palette = Readonly<Record<string, string>>;

export type Theme = "light" | "dark";

const file = (name: string) => readFileSync(join(projectRoot, "ui/report", name), "utf8");

const palettes = JSON.parse(file("palettes.json")) as Record<Theme, Palette>;

const variables = (theme: Theme) =>
  Object.entries(palettes[theme])
    .map(([name, value]) => `--${name}:${value};`)
    .join("");

/** The elements of a chart. */
const chartRules = file("chart.css");

/** Of a page. */
export const style = `
:root{color-scheme:light;${variables("light")}}
@media screen and (prefers-color-scheme:dark){:root:not([data-theme=light]){color-scheme:dark;${variables("dark")}}}
@media screen{:root[data-theme=dark]{color-scheme:dark;${variables("dark")}}}
${chartRules}${file("page.css")}`;

/** Of an image of charts. */
export const imageStyle = (theme: Theme) => `:root{${variables(theme)}}${file("image.css")}${chartRules}`;

/**
 * The page's script: the button for light and dark, and a chart's values by pointer or by the arrow keys, said aloud by
 * screen readers. Everything on the page can be read without it.
 */
export const script = file("page.js");
