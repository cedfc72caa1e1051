/**
 * How the page looks: light or dark as the reader's system says or the button, narrow or wide, and on paper.
 *
 * The colours of the series are far apart in lightness or hue for the common kinds of colour blindness (after Okabe and
 * Ito, 2008), with at least 3 : 1 against their background; dashes tell the lines apart as well.
 */

/** By the variable's name. */
export type Palette = Readonly<Record<keyof typeof light, string>>;

const light = {
  page: "#f6f7f9",
  card: "#ffffff",
  ink: "#16202c",
  soft: "#54606e",
  edge: "#d9dee5",
  grid: "#e8ebef",
  good: "#0b6b4b",
  "good-back": "#e3f4ec",
  bad: "#a3260d",
  "bad-back": "#fdeae5",
  a: "#0072b2",
  b: "#c2500a",
  c: "#7a3e9d",
  d: "#6b7684",
  e: "#00805e",
  f: "#a8740a",
};

const dark: Palette = {
  page: "#10151c",
  card: "#18202a",
  ink: "#e8edf3",
  soft: "#a3afbd",
  edge: "#303b48",
  grid: "#26303c",
  good: "#7fdcb4",
  "good-back": "#14332a",
  bad: "#ffab94",
  "bad-back": "#42201a",
  a: "#56b4e9",
  b: "#f0883e",
  c: "#cf9bee",
  d: "#9aa7b5",
  e: "#3cc79a",
  f: "#e6c04a",
};

export const palettes = { light, dark } as const satisfies Record<string, Palette>;

export const variables = (colours: Palette) =>
  Object.entries(colours)
    .map(([name, value]) => `--${name}:${value};`)
    .join("");

const tones = ["a", "b", "c", "d", "e", "f"].map((tone) => `.tone-${tone}{--tone:var(--${tone})}`).join("\n");

/** The elements of a chart. */
export const marks = `.tick{font-size:12px;fill:var(--soft)}
.tick-y{text-anchor:end}
.tick-x{text-anchor:middle}
.rule{stroke:var(--grid)}
.level{stroke:var(--ink);stroke-width:1.5;stroke-dasharray:7 4}
.level-words{font-size:12px;font-weight:600;fill:var(--ink);paint-order:stroke;stroke:var(--card);stroke-width:4px}
${tones}
.tone-ghost{--tone:var(--d)}
.line{fill:none;stroke:var(--tone);stroke-width:2;stroke-linejoin:round;stroke-linecap:round;vector-effect:non-scaling-stroke}
.line.tone-b{stroke-width:2.5}
.line.tone-c{stroke-dasharray:8 5}
.line.tone-d{stroke-dasharray:1 5}
.line.tone-ghost{stroke-dasharray:3 4}
.bar{fill:var(--tone);shape-rendering:crispEdges}`;

export const style = `
:root{color-scheme:light;${variables(light)}}
@media screen and (prefers-color-scheme:dark){:root:not([data-theme=light]){color-scheme:dark;${variables(dark)}}}
@media screen{:root[data-theme=dark]{color-scheme:dark;${variables(dark)}}}
*{box-sizing:border-box}
body{margin:0;background:var(--page);color:var(--ink);font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif;font-variant-numeric:tabular-nums}
main{max-width:1520px;margin:0 auto;padding:20px clamp(10px,2.5vw,32px) 48px}
h1{font-size:clamp(20px,2.6vw,28px);line-height:1.25;margin:0}
h2{font-size:16px;margin:0}
p{margin:0}
header .top{display:flex;gap:12px;justify-content:space-between;align-items:flex-start}
header .under{color:var(--soft);margin:4px 0 16px}
button{font:inherit;font-size:14px;color:var(--ink);background:var(--card);border:1px solid var(--edge);border-radius:8px;padding:4px 12px;cursor:pointer;white-space:nowrap}
:focus-visible{outline:2px solid var(--a);outline-offset:2px}
.verdict{border-radius:10px;padding:12px 16px;font-size:17px;border-left:6px solid}
.verdict.passed{color:var(--good);background:var(--good-back)}
.verdict.failed{color:var(--bad);background:var(--bad-back)}
.verdict ul{margin:4px 0 0;padding-left:20px}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(116px,1fr));gap:10px;margin:14px 0;padding:0}
.tiles div{background:var(--card);border:1px solid var(--edge);border-radius:10px;padding:8px 12px}
.tiles dt{color:var(--soft);font-size:13px}
.tiles dd{margin:0;font-size:20px;font-weight:600;white-space:nowrap}
.grid{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,520px),1fr));gap:14px}
.card,figure.chart{background:var(--card);border:1px solid var(--edge);border-radius:10px;padding:14px 16px;margin:0;min-width:0;break-inside:avoid}
.stack{display:grid;gap:14px;align-content:start}
figcaption{display:flex;flex-wrap:wrap;gap:4px 16px;justify-content:space-between;align-items:baseline}
.keys{display:flex;flex-wrap:wrap;gap:2px 14px;list-style:none;margin:0;padding:0;font-size:13px;color:var(--soft)}
.keys li{display:flex;align-items:center;gap:5px}
.axis-name{color:var(--soft);font-size:12.5px;margin-top:6px}
.axis-name-x{text-align:right;margin-top:0}
.note{color:var(--soft);font-size:13px;margin-top:6px}
.plot{height:250px;padding:8px 14px 26px 52px;position:relative}
.plot>svg{display:block;width:100%;height:100%;overflow:visible}
.curves{overflow:visible}
${marks}
.zone{fill:transparent}
.zone:hover,.zone.chosen{fill:var(--ink);fill-opacity:.08}
.tip{position:fixed;z-index:1;pointer-events:none;background:var(--ink);color:var(--card);font-size:13px;line-height:1.4;padding:6px 9px;border-radius:6px;max-width:min(300px,90vw);white-space:pre-line}
.scroll{overflow-x:auto}
table{border-collapse:collapse;width:100%;font-size:14px}
th,td{text-align:right;padding:4px 10px;border-bottom:1px solid var(--grid);white-space:nowrap;font-weight:400}
thead th{color:var(--soft);font-size:13px}
th:first-child,td:first-child{text-align:left;padding-left:0}
td.share{width:30%;min-width:80px}
td.share svg{display:block;width:100%;height:10px}
.facts{display:grid;grid-template-columns:max-content minmax(0,1fr);gap:3px 18px;margin:8px 0 0;font-size:14px}
.facts dt{color:var(--soft)}
.facts dd{margin:0;overflow-wrap:anywhere}
code{font:13px/1.45 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace}
.section{margin-top:14px}
summary{cursor:pointer;font-weight:600}
.reading{max-width:80ch}
.reading p{margin-top:8px}
@media (max-width:560px){.spare{display:none}}
@media (max-width:480px){.tiles{grid-template-columns:repeat(4,1fr);gap:6px}.tiles div{padding:6px 8px}.tiles dt{font-size:12px;line-height:1.25}.tiles dd{font-size:14px}.plot{height:220px;padding-left:44px;padding-right:8px}.card,figure.chart{padding:12px 10px}.facts{grid-template-columns:1fr;gap:0}.facts dd{margin-bottom:6px}}
@media print{body{background:none;font-size:12px}main{max-width:none;padding:0}button,.tip{display:none}details{display:none}.grid{grid-template-columns:1fr 1fr}*{print-color-adjust:exact;-webkit-print-color-adjust:exact}}
`;
