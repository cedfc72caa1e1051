/**
 * The fields of a row in the typed proto of a model: a number and an identifier for each feature.
 *
 * Numbers are what callers' programs hold on to, so they stand in the manifest (`proto.fields`), and a name that is no
 * feature any more keeps its number reserved. Without them they count from 1 in the schema's order. Identifiers follow
 * from names and numbers alone, in the order of the numbers: a feature that comes later never renames an earlier one.
 */

import type { Feature } from "./feature.js";
import { manifestFile } from "./manifest.js";
import { quote, sentence } from "./problem.js";

export interface ProtoField {
  readonly number: number;
  /** An identifier of protobuf. */
  readonly name: string;
  /** Undefined for one that is reserved: no feature has it any more. */
  readonly feature: Feature | undefined;
  /** The feature's name, of a reserved one too. */
  readonly label: string;
}

/** Numbers by feature, as the manifest has them. */
export type ProtoNumbers = Readonly<Record<string, number>>;

/** Protobuf keeps these numbers for itself. */
const withheld = { first: 19_000, last: 19_999 };
/** The largest number but one; the last is `emptyLists.number`. */
export const protoNumberMax = 2 ** 29 - 2;
/** The field of a row that names lists which are empty, where an absent list is a missing value. */
export const emptyLists = { name: "plumb_empty_lists", number: 2 ** 29 - 1 } as const;

/** Words that some compiler of protobuf takes for something else where a field's name stands. */
const keywords = new Set(
  (
    "bool bytes double edition enum export extend extensions false fixed32 fixed64 float group import inf int32 int64 " +
    "local map max message nan oneof option optional package public repeated required reserved returns rpc service " +
    "sfixed32 sfixed64 sint32 sint64 stream string syntax to true uint32 uint64 weak"
  ).split(" "),
);

/**
 * The fields of a row, in the order of their numbers.
 *
 * @param numbers - Of every feature, and of those that were; undefined for the schema's order.
 */
export function planProtoFields(features: readonly Feature[], numbers?: ProtoNumbers): readonly ProtoField[] {
  const byName = new Map(features.map((feature) => [feature.name, feature]));
  const numbered = numbers ? Object.entries(numbers) : features.map(({ name }, at) => [name, numberAt(at)] as const);
  const taken = new Set([nameKey(emptyLists.name)]);
  return [...numbered]
    .sort(([, a], [, b]) => a - b)
    .map(([label, number]) => {
      let name = identifier(label, number);
      while (taken.has(nameKey(name)) || isForeign(name, label, byName)) name = `${name}_f${number}`;
      taken.add(nameKey(name));
      return { number, name, label, feature: byName.get(label) };
    });
}

function numberAt(index: number): number {
  const number = index + 1;
  return number < withheld.first ? number : number + (withheld.last - withheld.first + 1);
}

/** A name as protobuf has it, where it can; else what it can of it. */
function identifier(name: string, number: number): string {
  const plain = /^[A-Za-z][A-Za-z0-9_]*$/.test(name) ? name : name.replace(/[^A-Za-z0-9]+/g, "_").replace(/^_|_$/g, "");
  if (plain === "") return `field_${number}`;
  if (/^[0-9]/.test(plain)) return `field_${plain}`;
  return keywords.has(plain) ? `${plain}_value` : plain;
}

/** What compilers make one of two names by: some leave out underscores, some ignore case. */
function nameKey(name: string): string {
  return name.replaceAll("_", "").toLowerCase();
}

/** Whether the name that JSON would give a field is another feature's; asked where the feature's own can't stand. */
function isForeign(name: string, label: string, byName: ReadonlyMap<string, Feature>): boolean {
  return !mayBeJsonName(label) && byName.has(defaultJsonName(name));
}

/** A `json_name` in brackets would be an extension's. */
export function mayBeJsonName(label: string): boolean {
  return !(label.startsWith("[") && label.endsWith("]"));
}

/** `feature_price` is `featurePrice`. */
export function defaultJsonName(name: string): string {
  return name.replace(/_+(.?)/g, (_, next: string) => next.toUpperCase());
}

/** What is wrong with the manifest's numbers: each feature has one, each has its own, none is protobuf's. */
export function protoFieldProblems(
  numbers: ProtoNumbers | undefined,
  rowSchema: { readonly features: readonly Feature[] } | undefined,
): string[] {
  if (numbers === undefined || rowSchema === undefined) return [];
  const problems = rowSchema.features
    .filter(({ name }) => !Object.hasOwn(numbers, name))
    .map(({ name }) => problem(name, "a number for each feature of schema.json", "none"));
  const owners = new Map<number, string>();
  for (const [name, number] of Object.entries(numbers)) {
    const other = owners.get(number);
    if (other !== undefined) problems.push(problem(name, "each number once", `${number}, which is ${quote(other)}'s`));
    if (number >= withheld.first && number <= withheld.last) {
      const expected = `no number from ${withheld.first} to ${withheld.last}, which protobuf keeps for itself`;
      problems.push(problem(name, expected, String(number)));
    }
    owners.set(number, name);
  }
  return problems;
}

function problem(name: string, expected: string, got: string): string {
  return sentence({ file: manifestFile, where: `proto.fields[${quote(name)}]`, expected, got });
}
