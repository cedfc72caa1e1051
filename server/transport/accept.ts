/**
 * The form in which a caller wants an answer, by its headers `Accept` and `Accept-Encoding`.
 *
 * @see https://www.rfc-editor.org/rfc/rfc9110#name-accept
 */

/** So much of a header is read: a browser's has some 150 characters. */
const acceptCharsMax = 1024;

/**
 * Whether HTML is asked for by name, and before JSON. A program that says nothing, or that it takes anything, gets
 * JSON.
 */
export function prefersHtml(accept: string): boolean {
  let html = 0;
  let json = 0;
  for (const [type, weight] of readRanges(accept)) {
    if (type === "text/html" || type === "application/xhtml+xml") html = Math.max(html, weight);
    else if (type === "application/json") json = Math.max(json, weight);
  }
  return html > 0 && html >= json;
}

/** Whether the answer may be compressed by gzip. A caller that says nothing gets it as it is. */
export function takesGzip(acceptEncoding: string): boolean {
  const weights = new Map(readRanges(acceptEncoding));
  return (weights.get("gzip") ?? weights.get("*") ?? 0) > 0;
}

function readRanges(header: string): [name: string, weight: number][] {
  return header
    .slice(0, acceptCharsMax)
    .toLowerCase()
    .split(",")
    .map((range) => {
      const [name = "", ...parameters] = range.split(";").map((part) => part.trim());
      return [name, weightOf(parameters)];
    });
}

function weightOf(parameters: readonly string[]): number {
  const weight = parameters.find((parameter) => parameter.startsWith("q="));
  const value = weight === undefined ? 1 : Number(weight.slice(2));
  return value >= 0 && value <= 1 ? value : 0;
}
