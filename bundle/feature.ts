/** One feature of a row: what its property in schema.json says, in one flat form that every reader of it shares. */
import {
  isNullable,
  type JsonSchemaDocument,
  type ScalarType,
  type ScalarValue,
  type TextFormat,
  typeOf,
} from "./row-schema-document.js";

/** Limits of a value; those of its type only. */
export interface Limits {
  readonly minimum?: number;
  readonly maximum?: number;
  readonly exclusiveMinimum?: number;
  readonly exclusiveMaximum?: number;
  /** In code points. */
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly pattern?: RegExp;
  readonly format?: TextFormat;
  readonly minItems?: number;
  readonly maxItems?: number;
}

export interface Feature extends Limits {
  readonly name: string;
  readonly type: ScalarType | "array";
  /** Of an array's items. */
  readonly itemType?: ScalarType;
  readonly nullable: boolean;
  readonly required: boolean;
  /** Personal data: its values are neither logged nor repeated. */
  readonly pii: boolean;
  /** The only values there are (JSON Schema's `enum`), null among them where it is one. */
  readonly values?: readonly (ScalarValue | null)[];
  readonly unit?: string;
  /** Categories of the training data; others are served too. */
  readonly knownCategories?: readonly ScalarValue[];
}

/** The features of a schema, in the order of its properties. */
export function featuresOf(document: JsonSchemaDocument): readonly Feature[] {
  const required = new Set(document.required);
  return Object.entries(document.properties).map(([name, property]) => {
    const {
      type,
      title,
      description,
      examples,
      items,
      pattern,
      enum: values,
      "x-unit": unit,
      "x-pii": pii,
      "x-known-categories": known,
      ...limits
    } = property;
    return {
      ...limits,
      name,
      type: typeOf(property),
      nullable: isNullable(property),
      required: required.has(name),
      pii: pii === true,
      ...(items && { itemType: items.type }),
      ...(pattern !== undefined && { pattern: new RegExp(pattern, "u") }),
      ...(values && { values }),
      ...(unit !== undefined && { unit }),
      ...(known && { knownCategories: known }),
    };
  });
}
