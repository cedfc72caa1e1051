/**
 * Reads dates and times as RFC 3339 writes them, strictly: what schema.json's formats `date` and `date-time` admit, and
 * nothing else.
 */
import { epochDays, monthDays } from "./civil-date.js";

export const minutesADay = 1440;

/** @returns Days from 1970-01-01 in `2026-11-22`; NaN for any other text. */
export function parseDate(text: string): number {
  return text.length === 10 ? dateAtStart(text) : Number.NaN;
}

/** @returns Whole minutes from 1970-01-01 in UTC in `2026-11-22T08:00:00.5+01:00`; NaN for any other text. */
export function parseDateTime(text: string): number {
  const days = dateAtStart(text);
  const hour = digits(text, 11, 2);
  const minute = digits(text, 14, 2);
  const second = digits(text, 17, 2);
  const isTime = text[10] === "T" && text[13] === ":" && text[16] === ":" && hour <= 23 && minute <= 59 && second <= 59;
  if (!isTime) return Number.NaN;
  let at = 19;
  if (text[at] === ".") {
    at += 1;
    const first = at;
    while (isDigit(text.charCodeAt(at))) at += 1;
    if (at === first) return Number.NaN;
  }
  return days * minutesADay + hour * 60 + minute - offsetAt(text, at);
}

/** @returns The minutes that `UTC` or `+01:00` is ahead of UTC; NaN for any other text. */
export function parseZone(text: string): number {
  return text === "UTC" ? 0 : signedOffset(text, 0);
}

function offsetAt(text: string, at: number): number {
  return text[at] === "Z" && text.length === at + 1 ? 0 : signedOffset(text, at);
}

function signedOffset(text: string, at: number): number {
  const hours = digits(text, at + 1, 2);
  const minutes = digits(text, at + 4, 2);
  const isOffset = text.length === at + 6 && text[at + 3] === ":" && hours <= 23 && minutes <= 59;
  if (!isOffset || (text[at] !== "+" && text[at] !== "-")) return Number.NaN;
  // Never -0, which would be written as such.
  return text[at] === "-" ? 0 - (hours * 60 + minutes) : hours * 60 + minutes;
}

function dateAtStart(text: string): number {
  const year = digits(text, 0, 4);
  const month = digits(text, 5, 2);
  const day = digits(text, 8, 2);
  const isDate =
    text[4] === "-" && text[7] === "-" && month >= 1 && month <= 12 && day >= 1 && day <= monthDays(year, month);
  return isDate ? epochDays(year, month, day) : Number.NaN;
}

/** @returns The number that `count` digits write; NaN where one of them is none. */
function digits(text: string, start: number, count: number): number {
  let value = 0;
  for (let at = start; at < start + count; at++) {
    const code = text.charCodeAt(at);
    if (!isDigit(code)) return Number.NaN;
    value = value * 10 + code - 48;
  }
  return value;
}

function isDigit(code: number): boolean {
  return code >= 48 && code <= 57;
}
