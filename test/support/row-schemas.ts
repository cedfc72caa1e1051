/** Random documents of a row schema, good ones. */

import * as fc from "fast-check";

export type Json = Record<string, unknown>;

const scalarType = fc.constantFrom("number", "integer", "string", "boolean");
const annotations = fc.record({ title: fc.string(), "x-pii": fc.boolean() }, { requiredKeys: [] });

/** A list of bounds in the order that makes sense, each there or not. */
const bounds = (value: fc.Arbitrary<number>, low: string, high: string) =>
  fc.tuple(fc.option(value), fc.option(value)).map(([a, b]): Json => {
    const [least, most] = a !== null && b !== null && a > b ? [b, a] : [a, b];
    return { ...(least !== null && { [low]: least }), ...(most !== null && { [high]: most }) };
  });

const interestingNumber = fc.constantFrom(0, 1, -1, 0.5, 2, 10, 100, 2 ** 31, 2 ** 53 - 1, 1e21, 5e-324);
const range = fc.oneof(
  bounds(interestingNumber, "minimum", "maximum"),
  bounds(interestingNumber, "exclusiveMinimum", "maximum"),
  bounds(interestingNumber, "minimum", "exclusiveMaximum"),
);
const textLimits = fc.oneof(
  bounds(fc.nat(5), "minLength", "maxLength"),
  fc.record({ pattern: fc.constantFrom("^[a-z]*$", "é", "^.$", "\\p{L}", "[^a]") }),
  fc.record({ format: fc.constantFrom("date", "date-time", "uuid"), maxLength: fc.constantFrom(30, 40) }),
);

const orNull = (type: string, nullable: boolean): unknown => (nullable ? [type, "null"] : type);

const enumProperty = fc
  .tuple(
    fc.oneof(
      fc.tuple(fc.constant("number"), fc.uniqueArray(interestingNumber, { minLength: 1, maxLength: 4 })),
      fc.tuple(fc.constant("integer"), fc.uniqueArray(fc.integer({ min: -2, max: 3 }), { minLength: 1, maxLength: 4 })),
      fc.tuple(
        fc.constant("string"),
        fc.uniqueArray(fc.constantFrom("a", "b", "", "é", "NaN", "null"), { minLength: 1, maxLength: 4 }),
      ),
      fc.tuple(fc.constant("boolean"), fc.constantFrom([true], [false], [true, false])),
    ),
    fc.boolean(),
  )
  .map(
    ([[type, values], nullable]): Json => ({
      type: orNull(type, nullable),
      enum: nullable ? [...values, null] : values,
    }),
  );

const property: fc.Arbitrary<Json> = fc.oneof(
  fc
    .tuple(fc.constantFrom("number", "integer"), fc.boolean(), range, annotations)
    .map(([type, nullable, limits, notes]) => ({ type: orNull(type, nullable), ...limits, ...notes })),
  fc
    .tuple(fc.boolean(), textLimits, annotations)
    .map(([nullable, limits, notes]) => ({ type: orNull("string", nullable), ...limits, ...notes })),
  fc.tuple(fc.boolean(), annotations).map(([nullable, notes]) => ({ type: orNull("boolean", nullable), ...notes })),
  enumProperty,
  fc
    .tuple(fc.boolean(), scalarType, bounds(fc.nat(3), "minItems", "maxItems"))
    .map(([nullable, type, size]) => ({ type: orNull("array", nullable), items: { type }, ...size })),
);

const names = fc.constantFrom("a", "b", "price", "feature_promo", "é", "with space", "0", "1", 'q"', "length", "then");

const fewProperties = fc.dictionary(names, property, { minKeys: 1, maxKeys: 8 });
/** More features than one compiled group holds. */
const manyProperties = fc
  .array(property, { minLength: 33, maxLength: 40 })
  .map((list): Json => Object.fromEntries(list.map((each, index) => [`wide_${index}`, each])));

export const schemaDocument = fc
  .tuple(
    fc.oneof({ arbitrary: fewProperties, weight: 15 }, { arbitrary: manyProperties, weight: 1 }),
    fc.array(fc.boolean(), { minLength: 3 }),
  )
  .map(([properties, coins]) => {
    const required = Object.keys(properties).filter((_, index) => coins[index % coins.length]);
    return { type: "object", properties, required, additionalProperties: false };
  });
