/**
 * A protocol of one's own: rows as columns, in bytes.
 *
 * A body is a JSON text and behind it the float64 values (little-endian) of each column that is called `numbers`, in
 * order. The header `x-text-bytes` says how long the text is:
 *
 *     {"rows": 2, "columns": [{"name": "size"}, {"name": "colour", "values": ["red", null]}]} 16 bytes
 *
 * In the server it would be a folder, `server/protocol/column-file/`, and a line in the table of
 * `server/transport/routes.ts`: `{ verb: "POST", address: "/columns", what: "...", protocol: columnFile }`.
 */

import { Columns, type ColumnValues, type Prediction, type Scalar } from "../../preprocessing/index.js";
import { ServeError } from "../../server/errors.js";
import type { DecodedRequest, Protocol } from "../../server/protocol/protocol.js";

const contentType = "application/x-column-file";
const lengthHeader = "x-text-bytes";

/** What the text of a body says. Columns without values stand behind the text. */
export interface ColumnFileText {
  rows: number;
  partial?: boolean;
  timeoutMs?: number;
  columns: { name: string; values?: (string | null)[] | (unknown[] | null)[] }[];
}

export const columnFile: Protocol<{ model: string; version: number; labels: readonly Scalar[] }, DecodedRequest> = {
  name: "column-file",
  headers: [lengthHeader],

  decode(body, head, { rowSchema, bodyLimits: { decode: limits } }) {
    if (head.contentType !== contentType)
      throw new ServeError("unsupported_media_type", `content-type: expected ${contentType}`);
    const textBytes = Number(head.header(lengthHeader) || Number.NaN);
    const { rows, partial = false, timeoutMs, columns } = parseText(body.subarray(0, textBytes || 0).toString());
    if (rows > limits.rowsMax)
      throw new ServeError("too_many_rows", `expected at most ${limits.rowsMax} rows, got ${rows}`);
    const values = new Map<string, ColumnValues>();
    let end = textBytes;
    for (const { name, values: listed } of columns) {
      const type = rowSchema.features.find((feature) => feature.name === name)?.type;
      if (
        listed !== undefined ? listed.length !== rows || !isListed(type, listed) : type === "string" || type === "array"
      )
        throw malformed(
          `the column ${JSON.stringify(name)} isn't of its feature's type, or has other than ${rows} rows`,
        );
      if (listed === undefined) end += 8 * rows;
      if (values.has(name) || end > body.length) throw malformed("a column stands twice, or isn't there");
      // A copy: the bytes aren't ours to keep, and needn't be aligned.
      values.set(name, listed ?? new Float64Array(Uint8Array.from(body.subarray(end - 8 * rows, end)).buffer));
    }
    if (end !== body.length) throw malformed(`expected ${end} bytes, got ${body.length}`);
    return { rows: new Columns(rows, values), partial, ...(timeoutMs !== undefined && { timeoutMs }) };
  },

  frame: ({ name, number, postprocessor }) => ({ model: name, version: number, labels: postprocessor.labels ?? [] }),

  encode({ model, version, labels }, call, { predictions, probabilities }) {
    const { requestId, request, rowIndexes, unanswered, rowErrors, fallback } = call;
    const places = Array.from({ length: request.rows.length }, (_, row) =>
      rowIndexes ? rowIndexes.indexOf(row) : row,
    );
    const answered = places.map((place) => (place < 0 || unanswered?.has(place) ? undefined : place));
    const texts = answered.map((place) => (place === undefined ? null : spell(predictions[place]!)));
    const errors = rowErrors?.map(({ row, code }) => ({ row, code }));
    const numbers = Float64Array.from(
      answered.flatMap((place) =>
        labels.map((_, k) => (place === undefined ? Number.NaN : probabilities![place * labels.length + k]!)),
      ),
    );
    const text = JSON.stringify({ model, version, requestId, predictions: texts, labels, errors, fallback });
    const bytes = Buffer.concat([Buffer.from(text), Buffer.from(numbers.buffer)]);
    return { body: bytes, contentType, headers: [lengthHeader, String(Buffer.byteLength(text))] };
  },

  refuse: ({ status, code, message }, requestId) => ({
    status,
    body: `${code} ${requestId} ${message}`,
    contentType: "text/plain",
    headers: [],
  }),
};

function parseText(text: string): ColumnFileText {
  try {
    const parsed = JSON.parse(text) as ColumnFileText;
    const { rows, partial = false, timeoutMs = 1, columns } = parsed;
    const isNumbered = Number.isInteger(rows) && rows > 0 && timeoutMs > 0 && typeof partial === "boolean";
    if (isNumbered && columns.every(({ name, values = [] }) => typeof name === "string" && Array.isArray(values)))
      return parsed;
  } catch {
    // What isn't JSON, or has no columns, is refused below.
  }
  throw malformed("the text isn't as expected");
}

function isListed(type: string | undefined, values: readonly unknown[]): boolean {
  const isOf = (value: unknown) => (type === "array" ? Array.isArray(value) : typeof value === "string");
  return type !== "number" && type !== "integer" && type !== "boolean" && values.every((v) => v === null || isOf(v));
}

/** Numbers by their bits: JSON would lose the sign of zero. */
function spell(prediction: Prediction): unknown {
  if (typeof prediction === "object") return prediction.map(spell);
  return typeof prediction === "number"
    ? { float64: Buffer.from(Float64Array.of(prediction).buffer).toString("hex") }
    : prediction;
}

function malformed(message: string): ServeError {
  return new ServeError("malformed_body", `the body: ${message}`);
}
