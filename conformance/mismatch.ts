/** What a check throws when a rule is broken or doesn't apply, in words that a report can print. */

/** The rule is broken. */
export class Mismatch extends Error {
  readonly expected: string;
  readonly came: string;

  constructor(expected: string, came: unknown) {
    super(`expected ${expected}, came ${describe(came)}`);
    this.expected = expected;
    this.came = describe(came);
  }
}

/** The rule doesn't apply to this server, which only a reply shows. */
export class NotApplicable extends Error {}

export function check(holds: boolean, expected: string, came: unknown): asserts holds {
  if (!holds) throw new Mismatch(expected, came);
}

const cameLengthMax = 240;

function describe(came: unknown): string {
  const text = typeof came === "string" ? came : (JSON.stringify(came) ?? "nothing");
  return text.length > cameLengthMax ? `${text.slice(0, cameLengthMax)}...` : text;
}
