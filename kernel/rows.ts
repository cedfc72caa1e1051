/**
 * The row decoder: rows as JSON objects, straight from their bytes to numbers, by the plan that a schema makes. Compiled
 * by AssemblyScript to WebAssembly. docs/decisions/0014-row-decoder.md says why.
 *
 * It takes only what it understands whole and knows to be valid: a row that holds anything else ends the reading, and
 * the host lets `JSON.parse` and the schema say what is wrong with it, if anything is. Behind the bytes stand zeros,
 * which no JSON text goes on with, so no end has to be looked for.
 */

import { readNumber } from "./numbers";
import {
  always,
  beginWith,
  booleanKind,
  closedFlag,
  codeOf,
  contextBrought,
  empty,
  featureBytes,
  features,
  first,
  flagsField,
  forgetRows,
  integerKind,
  isSame,
  kindField,
  knownFlag,
  maximumField,
  minimumField,
  nameBytesField,
  nameField,
  needed,
  nextField,
  nextStamp,
  nullableFlag,
  numbers,
  numbersBytes,
  others,
  othersBytes,
  placeField,
  requiredFlag,
  seen,
  textKind,
  valueCountField,
  valuesField,
} from "./row-plan";

export { exactPowerMax, highestPower, lowestPower } from "./numbers";
export {
  addText,
  booleanKind,
  closedFlag,
  exactPowers,
  featureBytes,
  flagsField,
  integerKind,
  kindField,
  knownFlag,
  listKind,
  maximumField,
  minimumField,
  nameBytesField,
  nameField,
  nextField,
  nullableFlag,
  numberKind,
  placeField,
  plans,
  powers,
  requiredFlag,
  slotBytes,
  textKind,
  usePlan,
  valueCountField,
  valuesField,
} from "./row-plan";

const quote: u8 = 0x22;
const backslash: u8 = 0x5c;
const colon: u8 = 0x3a;
const comma: u8 = 0x2c;
const openBrace: u8 = 0x7b;
const closeBrace: u8 = 0x7d;
const openBracket: u8 = 0x5b;
const closeBracket: u8 = 0x5d;
const wordNull: u32 = 0x6c6c756e;
const wordTrue: u32 = 0x65757274;
const wordFals: u32 = 0x736c6166;
const safeMax: f64 = 9007199254740991;

/**
 * What stands in a row for a text or a list: nothing, the code of a known one (`missing - 1 - code`), or where its bytes
 * begin (and behind that where they end, with these flags).
 */
export const missing: i32 = -1;
export const escapedFlag: i32 = 1 << 30;
export const wideFlag: i32 = 1 << 29;

/**
 * Where the host finds how a reading ended: at which byte, and why. The list is over, another row follows (and begins
 * at that byte), or the row that begins there isn't taken.
 */
export const endCell: i32 = 16;
export const outcomeCell: i32 = 20;
export const over: i32 = 0;
export const more: i32 = 1;
export const refused: i32 = 2;

// @ts-ignore: decorator
@inline
function skipBlanks(at: i32): i32 {
  return load<u8>(at) > 0x20 ? at : behindBlanks(at);
}

function behindBlanks(at: i32): i32 {
  while (true) {
    const byte = load<u8>(at);
    if (byte != 0x20 && byte != 0x0a && byte != 0x0d && byte != 0x09) return at;
    at++;
  }
}

/** Flags of the string whose end was found. */
let textFlags: i32 = 0;

/** @returns The closing quote of a string whose first character stands at `at`; 0 if a control character comes before. */
// @ts-ignore: decorator
@inline
function closingQuote(at: i32): i32 {
  let flags = 0;
  while (true) {
    const bytes = v128.load(at);
    const stops = v128.or(
      v128.or(i8x16.eq(bytes, i8x16.splat(quote)), i8x16.eq(bytes, i8x16.splat(backslash))),
      i8x16.lt_u(bytes, i8x16.splat(0x20)),
    );
    const stop = i8x16.bitmask(stops);
    const wide = i8x16.bitmask(bytes);
    if (stop == 0) {
      if (wide != 0) flags |= wideFlag;
      at += 16;
      continue;
    }
    if ((wide & ((stop & -stop) - 1)) != 0) flags |= wideFlag;
    at += ctz(stop);
    const byte = load<u8>(at);
    if (byte == quote) {
      textFlags = flags;
      return at;
    }
    if (byte != backslash) return 0;
    flags |= escapedFlag;
    // A quote or a backslash behind it is no stop; two of the zeros behind the bytes are never skipped.
    at += 2;
  }
}

/** @returns Behind the string; 0 if it isn't taken. */
function readText(at: i32, record: i32, feature: i32, to: i32): i32 {
  if (load<u8>(at) != quote) return 0;
  const from = at + 1;
  const close = closingQuote(from);
  if (close == 0) return 0;
  const flags = load<i32>(record, flagsField);
  if (textFlags & escapedFlag) {
    store<i32>(to, from);
    store<i32>(to, close | textFlags, 4);
    return close + 1;
  }
  if (flags & knownFlag) {
    const code = codeOf(feature + 1, from, close - from);
    if (code >= 0) {
      store<i32>(to, missing - 1 - code);
      return close + 1;
    }
  }
  if (flags & closedFlag) return 0;
  store<i32>(to, from);
  store<i32>(to, close | textFlags, 4);
  return close + 1;
}

/** A list of scalars is left to the host, which looks at what it holds. @returns Behind it; 0 if it isn't taken. */
function readList(at: i32, to: i32): i32 {
  const from = at;
  if (load<u8>(at) != openBracket) return 0;
  at++;
  while (true) {
    const byte = load<u8>(at++);
    if (byte == closeBracket) break;
    if (byte == quote) {
      at = closingQuote(at);
      if (at == 0) return 0;
      at++;
    } else if (byte == openBracket || byte == openBrace || byte == 0) return 0;
  }
  store<i32>(to, from);
  store<i32>(to, at, 4);
  return at;
}

function isListed(record: i32, value: f64): bool {
  const values = load<i32>(record, valuesField);
  const count = load<i32>(record, valueCountField);
  for (let i = 0; i < count; i++) if (load<f64>(values + (i << 3)) == value) return true;
  return false;
}

/**
 * Reads the members of an object into one row.
 *
 * @param at - Its opening brace.
 * @param mark - What `seen` holds for its members from now on: as high as any mark that must not come again.
 * @returns Behind the closing brace; 0 if the row isn't taken.
 */
// @ts-ignore: decorator
@inline
function readRow(at: i32, ofNumbers: i32, ofOthers: i32, mark: u32): i32 {
  if (load<u8>(at) != openBrace) return 0;
  at = skipBlanks(at + 1);
  let required = 0;
  if (load<u8>(at) == closeBrace) {
    return needed == 0 || mark == always ? at + 1 : 0;
  }
  let feature = first;
  let previous = 0;
  while (true) {
    if (load<u8>(at) != quote) return 0;
    at++;
    let record = features + feature * featureBytes;
    const bytes = load<i32>(record, nameBytesField);
    if (isSame(at, load<i32>(record, nameField), bytes)) at += bytes;
    else {
      const close = closingQuote(at);
      if (close == 0) return 0;
      feature = codeOf(0, at, close - at);
      if (feature < 0) return 0;
      // The next row probably has the same order.
      if (previous == 0) beginWith(feature);
      else store<i32>(previous, feature, nextField);
      record = features + feature * featureBytes;
      at = close + 1;
    }
    at = skipBlanks(at);
    if (load<u8>(at) != colon) return 0;
    at = skipBlanks(at + 1);

    const mine = seen + (feature << 2);
    if (load<u32>(mine) >= mark) return 0;
    store<u32>(mine, mark);
    const flags = load<i32>(record, flagsField);
    required += flags & requiredFlag;
    const kind = load<i32>(record, kindField);
    const place = load<i32>(record, placeField);
    if (load<u32>(at) == wordNull) {
      if ((flags & nullableFlag) == 0) return 0;
      at += 4;
    } else if (kind <= integerKind) {
      const to = ofNumbers + place;
      at = readNumber(at, to);
      if (at == 0) return 0;
      const value = load<f64>(to);
      if (!(value >= load<f64>(record, minimumField) && value <= load<f64>(record, maximumField))) return 0;
      if (kind == integerKind && (Math.floor(value) != value || abs(value) > safeMax)) return 0;
      if (load<i32>(record, valuesField) != 0 && !isListed(record, value)) return 0;
    } else if (kind == textKind) {
      at = readText(at, record, feature, ofOthers + place);
      if (at == 0) return 0;
    } else if (kind == booleanKind) {
      const word = load<u32>(at);
      let value: f64;
      if (word == wordTrue) {
        value = 1;
        at += 4;
      } else if (word == wordFals && load<u8>(at, 4) == 0x65) {
        value = 0;
        at += 5;
      } else return 0;
      if (load<i32>(record, valuesField) != 0 && !isListed(record, value)) return 0;
      store<f64>(ofNumbers + place, value);
    } else {
      at = readList(at, ofOthers + place);
      if (at == 0) return 0;
    }

    at = skipBlanks(at);
    const byte = load<u8>(at);
    if (byte == comma) {
      at = skipBlanks(at + 1);
      previous = record;
      feature = load<i32>(record, nextField);
      continue;
    }
    if (byte != closeBrace) return 0;
    if (mark == always) contextBrought(required);
    else if (required != needed) return 0;
    return at + 1;
  }
}

/** Zeros behind the bytes: as many as the longest step that looks for an end. */
// @ts-ignore: decorator
@inline
function endAt(end: i32): void {
  v128.store(end, i64x2.splat(0));
  v128.store(end, i64x2.splat(0), 16);
}

/** Reads the one row that the bytes are, to the first place. @returns Whether it is taken. */
export function readOne(at: i32, end: i32): bool {
  endAt(end);
  memory.copy(numbers, empty, numbersBytes);
  if (othersBytes != 0) memory.copy(others, empty + numbersBytes, othersBytes);
  if (nextStamp() == always) forgetRows();
  const behind = readRow(skipBlanks(at), numbers, others, nextStamp());
  return behind != 0 && skipBlanks(behind) == end;
}

/** Reads what all rows share. @returns Behind it; 0 if it isn't taken. */
export function readContext(at: i32, end: i32): i32 {
  endAt(end);
  return readRow(at, empty, empty + numbersBytes, always);
}

/**
 * Reads rows of a list, up to `rowsMax` of them and to about `until`.
 *
 * @param at - Where the first of them begins.
 * @returns How many.
 */
export function readRows(at: i32, end: i32, rowsMax: i32, until: i32): i32 {
  endAt(end);
  let row = 0;
  while (true) {
    at = skipBlanks(at);
    store<i32>(endCell, at);
    store<i32>(outcomeCell, more);
    if (row == rowsMax || at >= until) return row;
    store<i32>(outcomeCell, refused);
    const ofNumbers = numbers + row * numbersBytes;
    const ofOthers = others + row * othersBytes;
    memory.copy(ofNumbers, empty, numbersBytes);
    memory.copy(ofOthers, empty + numbersBytes, othersBytes);
    const mark = nextStamp();
    if (mark == always) return row;
    at = readRow(at, ofNumbers, ofOthers, mark);
    if (at == 0) return row;
    at = skipBlanks(at);
    const byte = load<u8>(at);
    if (byte == closeBracket) {
      store<i32>(endCell, at + 1);
      store<i32>(outcomeCell, over);
      return row + 1;
    }
    // A row counts only once it is known what follows it.
    if (byte != comma) return row;
    at++;
    row++;
  }
  return row;
}
