/**
 * Dates of the Gregorian calendar as days from 1970-01-01, and back, by arithmetic alone: no `Date`, whose parser
 * guesses.
 *
 * Years are counted from March, so that a leap day ends one, in eras of 400 years: the twin of
 * `plumb_trainer/features/dates.py`.
 */

export interface CivilDate {
  year: number;
  month: number;
  day: number;
}

export function epochDays(year: number, month: number, day: number): number {
  const fromMarch = month <= 2 ? year - 1 : year;
  const era = Math.floor(fromMarch / 400);
  const yearOfEra = fromMarch - era * 400;
  const dayOfYear = Math.floor((153 * ((month + 9) % 12) + 2) / 5) + day - 1;
  return (
    era * 146_097 + yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear - 719_468
  );
}

/** The way back. @param into - Is overwritten, so that a loop allocates nothing. */
export function civilDate(days: number, into: CivilDate): void {
  const shifted = days + 719_468;
  const era = Math.floor(shifted / 146_097);
  const dayOfEra = shifted - era * 146_097;
  const leaps = Math.floor(dayOfEra / 1460) - Math.floor(dayOfEra / 36_524) + Math.floor(dayOfEra / 146_096);
  const yearOfEra = Math.floor((dayOfEra - leaps) / 365);
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const fromMarch = Math.floor((5 * dayOfYear + 2) / 153);
  into.month = ((fromMarch + 2) % 12) + 1;
  into.year = era * 400 + yearOfEra + (into.month <= 2 ? 1 : 0);
  into.day = dayOfYear - Math.floor((153 * fromMarch + 2) / 5) + 1;
}

export function monthDays(year: number, month: number): number {
  if (month === 2) return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28;
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31;
}
