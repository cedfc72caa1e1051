/** The command lines of the two tools. A wrong flag or value is refused with a sentence that names it. */

import { existsSync } from "node:fs";
import { dirname } from "node:path";
import { parseArgs } from "node:util";

/** The command line can't be carried out; the message is for the caller. */
export class OptionError extends Error {}

interface FlagText {
  /** How the value reads in the help, e.g. "N"; a flag without one is a switch. */
  readonly value?: string;
  readonly help: string;
}

export type Flags = Readonly<Record<string, FlagText>>;

/** The values as given, by flag; a switch that is set holds "true". */
export type FlagValues = ReadonlyMap<string, string>;

/**
 * @param flags - The known flags, without the two dashes. `help` is always known.
 * @throws OptionError on an unknown flag, a missing value, or a word that belongs to no flag.
 */
export function parseFlags(args: readonly string[], flags: Flags): FlagValues {
  const options = Object.fromEntries(
    Object.entries({ ...flags, help: { help: "" } as FlagText }).map(([flag, { value }]) => [
      flag,
      { type: value === undefined ? ("boolean" as const) : ("string" as const) },
    ]),
  );
  try {
    const { values } = parseArgs({ args: [...args], options, strict: true, allowPositionals: false });
    return new Map(Object.entries(values).map(([flag, value]) => [flag, String(value)]));
  } catch (reason) {
    throw new OptionError((reason as Error).message);
  }
}

export interface NumberBounds {
  readonly min?: number;
  readonly max?: number;
  readonly integer?: boolean;
}

/**
 * @param fallback - Taken where the flag isn't given.
 * @throws OptionError that names flag, what is expected, and what came.
 */
export function numberFlag(
  values: FlagValues,
  flag: string,
  fallback: number,
  { min = -Infinity, max = Infinity, integer = false }: NumberBounds,
): number {
  const text = values.get(flag);
  if (text === undefined) return fallback;
  const value = text.trim() === "" ? Number.NaN : Number(text);
  if (!Number.isFinite(value) || value < min || value > max || (integer && !Number.isInteger(value))) {
    const range = max === Infinity ? `of at least ${min}` : `from ${min} to ${max}`;
    throw new OptionError(
      `--${flag}: expected ${integer ? "a whole number" : "a number"} ${range}, got ${JSON.stringify(text)}`,
    );
  }
  return value;
}

/** @throws OptionError that names the flag, the choices, and what came. */
export function choiceFlag<Choice extends string>(
  values: FlagValues,
  flag: string,
  choices: readonly Choice[],
  fallback: Choice,
): Choice {
  const text = values.get(flag) ?? fallback;
  const choice = choices.find((known) => known === text);
  if (choice === undefined)
    throw new OptionError(`--${flag}: expected one of ${choices.join(", ")}, got ${JSON.stringify(text)}`);
  return choice;
}

/** Where a result goes; a place that can't take it is refused before the load and not after it. */
export function outputFile(values: FlagValues, flag: string): string | undefined {
  const file = values.get(flag);
  if (file !== undefined && !existsSync(dirname(file)))
    throw new OptionError(`--${flag}: there is no folder ${dirname(file)}`);
  return file;
}

/** One line per flag. */
export function flagsHelp(flags: Flags): string {
  const lines = Object.entries(flags).map(
    ([flag, { value, help }]) => [`--${flag}${value === undefined ? "" : ` ${value}`}`, help] as const,
  );
  const width = Math.max(...lines.map(([usage]) => usage.length));
  return lines.map(([usage, help]) => `  ${usage.padEnd(width)}  ${help}`).join("\n");
}
