/**
 * Tensors of the Open Inference Protocol in the columns view: each feature is a tensor, with one value or one list a row.
 *
 * A tensor of any data type of a feature's kind is taken, as long as no value is changed by it. NaN of a float is a
 * missing value; where a tensor can't say so, a second one of BOOL, `<feature>:missing`, marks the missing rows.
 *
 * @see https://github.com/kserve/open-inference-protocol, specification/protocol/inference_rest.md: tensor data types
 */

import { describeValue, type Feature, listWords, quote } from "../../../bundle/index.js";
import { Columns, type ColumnValues } from "../../../preprocessing/index.js";
import { ServeError } from "../../errors.js";

/** What the elements of a tensor are to a row. */
export type Kind = "number" | "boolean" | "string";

interface DatatypeFacts {
  readonly kind: Kind;
  readonly bytes: number;
  /** The range of a number in JSON. Of 64-bit integers it is narrower, because a parser of JSON rounds beyond it. */
  readonly least: number;
  readonly most: number;
  readonly isWhole: boolean;
}

const whole = (bytes: number, least: number, most: number): DatatypeFacts => ({
  kind: "number",
  bytes,
  least,
  most,
  isWhole: true,
});
const float = (bytes: number, most: number): DatatypeFacts => ({
  kind: "number",
  bytes,
  least: -most,
  most,
  isWhole: false,
});
const other = (kind: Kind, bytes: number): DatatypeFacts => ({ kind, bytes, least: 0, most: 0, isWhole: false });

const datatypes = {
  BOOL: other("boolean", 1),
  UINT8: whole(1, 0, 2 ** 8 - 1),
  UINT16: whole(2, 0, 2 ** 16 - 1),
  UINT32: whole(4, 0, 2 ** 32 - 1),
  UINT64: whole(8, 0, Number.MAX_SAFE_INTEGER),
  INT8: whole(1, -(2 ** 7), 2 ** 7 - 1),
  INT16: whole(2, -(2 ** 15), 2 ** 15 - 1),
  INT32: whole(4, -(2 ** 31), 2 ** 31 - 1),
  INT64: whole(8, Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER),
  FP16: float(2, 65_504),
  FP32: float(4, (2 - 2 ** -23) * 2 ** 127),
  FP64: float(8, Number.MAX_VALUE),
  BYTES: other("string", 4),
} as const;

export type Datatype = keyof typeof datatypes;

/** Of BYTES: of the length that stands before each element. */
export function elementBytes(datatype: Datatype): number {
  return datatypes[datatype].bytes;
}

/** What a number may be in JSON. */
export function numberRange(datatype: Datatype): Pick<DatatypeFacts, "least" | "most" | "isWhole"> {
  return datatypes[datatype];
}

/** A tensor that a request may have. */
export interface InputTensor {
  readonly name: string;
  readonly feature: Feature;
  readonly kind: Kind;
  /** The one that the metadata name. */
  readonly datatype: Datatype;
  /** One row's part of it is a list, not a value. */
  readonly isList: boolean;
  /** Says of each row whether the feature is missing. */
  readonly isMask: boolean;
  /** Of a block view, whose tensors are as the model has them and not otherwise: the shape of a row. */
  readonly blockShape?: readonly number[];
}

const declared = { number: "FP64", integer: "INT64", boolean: "BOOL", string: "BYTES" } as const;
const kinds = { number: "number", integer: "number", boolean: "boolean", string: "string" } as const;

/** The input tensors of a row schema, by name: of each feature its own and its mask. */
export function planInputs(features: readonly Feature[]): ReadonlyMap<string, InputTensor> {
  const inputs = new Map<string, InputTensor>();
  for (const feature of features) {
    const { name, type } = feature;
    const isList = type === "array";
    const item = isList ? feature.itemType! : type;
    inputs.set(name, { name, feature, kind: kinds[item], datatype: declared[item], isList, isMask: false });
  }
  for (const feature of features) {
    const name = `${feature.name}:missing`;
    // A feature that has the name of another one's mask is the feature.
    if (!inputs.has(name))
      inputs.set(name, { name, feature, kind: "boolean", datatype: "BOOL", isList: false, isMask: true });
  }
  return inputs;
}

/** As the metadata have it; -1 stands for any length. */
export function shapeOf({ feature: { minItems, maxItems }, isList, blockShape }: InputTensor): readonly number[] {
  if (blockShape !== undefined) return [-1, ...blockShape];
  if (!isList) return [-1, 1];
  return [-1, minItems !== undefined && minItems === maxItems ? minItems : -1];
}

/** What a request says of one of its tensors, checked against the row schema. */
export interface TensorHead {
  readonly input: InputTensor;
  readonly datatype: Datatype;
  readonly rowCount: number;
  /** Elements of a row. */
  readonly width: number;
}

/** Numbers and truth values (0, 1) as float64, NaN for a missing one; strings, null for a missing one. Row-major. */
export type TensorValues = Float64Array | (string | null)[];

/** A tensor of a name that isn't among those that are known. */
export function unknownTensor(at: string, name: string, known: readonly string[]): ServeError {
  const words = listWords(known.map(quote), { last: "and" });
  return new ServeError("schema_mismatch", `${at}: expected the name of a tensor, ${words}, got ${quote(name)}`);
}

export function tensorFault(name: string, expected: string, got: string): ServeError {
  return new ServeError("malformed_body", `input ${quote(name)}: expected ${expected}, got ${got}`);
}

/** @throws {@link ServeError} schema_mismatch, too_many_rows. */
export function checkHead(
  input: InputTensor,
  datatype: unknown,
  shape: readonly unknown[],
  rowsMax: number,
): TensorHead {
  const { name } = input;
  const mismatch = (expected: string, got: string) =>
    new ServeError("schema_mismatch", `input ${quote(name)}: expected ${expected}, got ${got}`);
  const isTaken = isDatatype(datatype) && datatypes[datatype].kind === input.kind;
  if (!isTaken || (input.blockShape !== undefined && datatype !== input.datatype)) {
    const all = Object.keys(datatypes) as Datatype[];
    const known = input.blockShape ? [input.datatype] : all.filter((each) => datatypes[each].kind === input.kind);
    throw mismatch(`the datatype ${listWords([...known], { max: known.length })}`, describeValue(datatype));
  }
  const [rowCount] = shape;
  const dims: readonly unknown[] = shape.slice(1);
  if (!isDim(rowCount) || !fits(input, dims))
    throw mismatch(`the shape ${shapeWords(input)}`, JSON.stringify(shape).slice(0, 64));
  if (rowCount === 0) throw mismatch(`1 to ${rowsMax} rows`, "none");
  if (rowCount > rowsMax) {
    throw new ServeError("too_many_rows", `input ${quote(name)}: expected 1 to ${rowsMax} rows, got ${rowCount}`);
  }
  return { input, datatype, rowCount, width: dims.reduce((product, dim) => product * dim, 1) };
}

function fits(input: InputTensor, dims: readonly unknown[]): dims is readonly number[] {
  const { isList, blockShape } = input;
  if (blockShape !== undefined)
    return dims.length === blockShape.length && blockShape.every((dim, at) => dim === dims[at]);
  const [width = 1] = dims;
  return (dims.length === 1 || (dims.length === 0 && !isList)) && isDim(width) && hasWidth(input, width);
}

function isDatatype(name: unknown): name is Datatype {
  return typeof name === "string" && Object.hasOwn(datatypes, name);
}

function isDim(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function hasWidth({ isList, feature: { minItems = 0, maxItems = Infinity } }: InputTensor, width: number): boolean {
  return isList ? width >= minItems && width <= maxItems : width === 1;
}

function shapeWords({ isList, blockShape, feature: { minItems, maxItems } }: InputTensor): string {
  if (blockShape !== undefined) return `[${["rows", ...blockShape].join(", ")}]`;
  if (!isList) return "[rows] or [rows, 1]";
  if (minItems !== undefined && minItems === maxItems) return `[rows, ${minItems}]`;
  const bounds = [
    ...(minItems === undefined ? [] : [`n of at least ${minItems}`]),
    ...(maxItems === undefined ? [] : [`n of at most ${maxItems}`]),
  ];
  return `[rows, n]${bounds.length === 0 ? "" : ` with ${listWords(bounds, { last: "and" })}`}`;
}

/** As messages name an element; the value of a feature that is personal data is not repeated. */
export function describeElement({ feature }: InputTensor, value: unknown): string {
  const isHidden = feature.pii && value !== null && typeof value !== "object";
  return isHidden ? `a ${typeof value} (hidden: personal data)` : describeValue(value);
}

/** Takes a tensor's elements, in any number of slices. */
export interface ElementReader {
  /** Whole once all of them are read. */
  readonly values: TensorValues;
  /** Elements `first` to `end - 1`; each once, in their order. @throws {@link ServeError} malformed_body. */
  read(first: number, end: number): void;
}

/** A tensor on its way to a column of rows. */
export interface ColumnReader {
  readonly head: TensorHead;
  /** Whole once all rows are read. */
  readonly column: ColumnValues;
  /** Rows `first` to `end - 1`; each once, in their order. @throws {@link ServeError} malformed_body. */
  readonly read: ElementReader["read"];
}

/** A value a row is the column itself, and so is a block; a list a row is taken out of the elements. */
export function columnReader(head: TensorHead, { values, read }: ElementReader): ColumnReader {
  const { input, width } = head;
  if (input.blockShape !== undefined)
    return { head, column: values, read: (first, end) => read(first * width, end * width) };
  if (!input.isList) return { head, column: values, read };
  const isBoolean = input.kind === "boolean";
  const lists: (readonly unknown[])[] = [];
  return {
    head,
    column: lists,
    read(first, end) {
      read(first * width, end * width);
      for (let row = first; row < end; row++) {
        const items = Array.from<unknown>(values.slice(row * width, (row + 1) * width));
        lists.push(isBoolean ? items.map((item) => item !== 0) : items);
      }
    },
  };
}

/**
 * The columns that a request's tensors are; those of masks are marked in the columns that they belong to.
 *
 * @throws {@link ServeError} malformed_body for tensors of different lengths or a mask of nothing, schema_mismatch for
 *   a required feature that no tensor brings.
 */
export function toColumns(tensors: readonly Omit<ColumnReader, "read">[], features: readonly Feature[]): Columns {
  const columns = new Map<string, ColumnValues>();
  const rowCount = rowsOf(tensors);
  for (const { head, column } of tensors) {
    const { input } = head;
    if (!input.isMask) columns.set(input.feature.name, column);
  }
  for (const { head, column } of tensors) if (head.input.isMask) markMissing(head, column as Float64Array, columns);
  for (const { name, required } of features) if (required && !columns.has(name)) throw missingTensor(name);
  if (tensors.length > 0) return new Columns(rowCount, columns);
  throw new ServeError(
    "schema_mismatch",
    "inputs: expected at least one tensor, since it says how many rows there are",
  );
}

/** How many rows all of them have. @throws {@link ServeError} malformed_body. */
export function rowsOf(tensors: readonly Omit<ColumnReader, "read">[]): number {
  const rowCount = tensors[0]?.head.rowCount ?? 0;
  for (const { head } of tensors) {
    if (head.rowCount === rowCount) continue;
    const first = tensors[0]!.head.input.name;
    throw tensorFault(head.input.name, `as many rows as ${quote(first)} has, ${rowCount}`, String(head.rowCount));
  }
  return rowCount;
}

export function missingTensor(name: string): ServeError {
  return new ServeError("schema_mismatch", `inputs: expected a tensor ${quote(name)}, which is required, got none`);
}

function markMissing({ input }: TensorHead, mask: Float64Array, columns: ReadonlyMap<string, ColumnValues>): void {
  const column = columns.get(input.feature.name);
  if (column === undefined) throw tensorFault(input.name, `a tensor ${quote(input.feature.name)} beside it`, "none");
  const missing = column instanceof Float64Array ? Number.NaN : null;
  for (let row = 0; row < mask.length; row++) if (mask[row] !== 0) (column as unknown[])[row] = missing;
}
