/**
 * Fields that a row may have beside its features, where schema.json says `"additionalProperties": true`: nobody reads
 * them. A name that looks like a feature's is never such a field: it is a feature misspelt, which would be missing.
 */

/** Of one row; more are refused, so that a check stays short. */
export const ignoredFieldsMax = 1000;
/** Names that differ from a shorter feature by a letter have little in common with it. */
const misspeltCharsMin = 3;

export interface IgnoredFields {
  /** False for a feature's name, and for a name that equals one but for case, underscores or a letter. */
  mayPass(field: string): boolean;
  /** Fields of a row that are no features. */
  count(row: object): number;
}

export function createIgnoredFields(features: readonly { readonly name: string }[]): IgnoredFields {
  const names = new Set(features.map(({ name }) => name));
  const forms = new Set([...names].map(comparable));
  const charsMax = Math.max(...[...forms].map((form) => form.length));
  // Two names are a letter apart if they have a form in common once a letter was taken out of either or both.
  const shortened = new Set([...forms].flatMap((form) => [form, ...withoutALetter(form)]));
  return {
    mayPass(field) {
      if (names.has(field)) return false;
      if (field.length > 2 * charsMax + 2) return !forms.has(comparable(field));
      const form = comparable(field);
      return !forms.has(form) && !shortened.has(form) && !withoutALetter(form).some((other) => shortened.has(other));
    },
    count(row) {
      let count = 0;
      for (const field in row) if (!names.has(field)) count++;
      return count;
    },
  };
}

function comparable(name: string): string {
  return name.replaceAll("_", "").toLowerCase();
}

function withoutALetter(form: string): string[] {
  if (form.length < misspeltCharsMin) return [];
  return Array.from({ length: form.length }, (_, at) => form.slice(0, at) + form.slice(at + 1));
}
