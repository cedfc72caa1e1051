/**
 * HTML and SVG, made so that text stays text: a string is escaped wherever it is put, and only what `element` made is
 * taken as markup.
 */

export interface Markup {
  readonly html: string;
}

export type Child = Markup | string | number | undefined | readonly Child[];

export type Attributes = Readonly<Record<string, string | number | boolean | undefined>>;

/** Elements that have no content and no end. */
const voids = new Set(["meta", "link", "br"]);

/**
 * @param attributes - One that is undefined or false is left out; true gives it without a value.
 * @param children - Strings and numbers are text.
 */
export function element(name: string, attributes: Attributes = {}, ...children: readonly Child[]): Markup {
  const written = Object.entries(attributes).map(([key, value]) => {
    if (value === undefined || value === false) return "";
    return value === true ? ` ${key}` : ` ${key}="${escaped(String(value))}"`;
  });
  const start = `<${name}${written.join("")}>`;
  return { html: voids.has(name) ? start : `${start}${join(children)}</${name}>` };
}

/** The content of a script or style element, which HTML takes as it stands: it must not hold the element's end. */
export function rawElement(name: "script" | "style", attributes: Attributes, content: string): Markup {
  if (content.toLowerCase().includes(`</${name}`)) throw new Error(`the content ends its own ${name} element`);
  return element(name, attributes, { html: content });
}

/** JSON that can stand in a script element, whatever text is in it. */
export function embeddedJson(id: string, value: unknown): Markup {
  return rawElement("script", { type: "application/json", id }, JSON.stringify(value).replaceAll("<", "\\u003c"));
}

function join(children: readonly Child[]): string {
  return children.map(written).join("");
}

function written(child: Child): string {
  if (child === undefined) return "";
  if (typeof child === "string" || typeof child === "number") return escaped(String(child));
  return "html" in child ? child.html : join(child);
}

const entities: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (character) => entities[character]!);
}
