/**
 * The form in which a caller wants an answer, by its header `Accept`.
 *
 * @see https://www.rfc-editor.org/rfc/rfc9110#name-accept
 */

/** So much of the header is read: a browser's has some 150 characters. */
const acceptCharsMax = 1024;

/**
 * Whether HTML is asked for by name, and before JSON. A program that says nothing, or that it takes anything, gets
 * JSON.
 */
export function prefersHtml(accept: string): boolean {
  let html = 0;
  let json = 0;
  for (const range of accept.slice(0, acceptCharsMax).toLowerCase().split(",")) {
    const [type = "", ...parameters] = range.split(";").map((part) => part.trim());
    const weight = weightOf(parameters);
    if (type === "text/html" || type === "application/xhtml+xml") html = Math.max(html, weight);
    else if (type === "application/json") json = Math.max(json, weight);
  }
  return html > 0 && html >= json;
}

function weightOf(parameters: readonly string[]): number {
  const weight = parameters.find((parameter) => parameter.startsWith("q="));
  const value = weight === undefined ? 1 : Number(weight.slice(2));
  return value >= 0 && value <= 1 ? value : 0;
}
