/** Parts of an OpenAPI document, as protocols and routes say them. */

/** A part of a document; most are JSON Schema 2020-12. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** Refers to a schema by its name. */
export function schemaRef(name: string): JsonObject {
  return { $ref: `#/components/schemas/${name}` };
}
