/**
 * Numbers of a date that a row holds as a text: weekday, month, week and so on, by arithmetic on days. A missing text
 * gives NaN.
 *
 * The time zone of a date-time is UTC or a fixed offset: the rules of named zones change, and differ between machines.
 */
import * as z from "zod";
import { type CivilDate, civilDate, epochDays } from "../civil-date.js";
import { closedObject, closedSet, listOf } from "../closed-schema.js";
import { NumberColumn } from "../column.js";
import { describe, GraphError } from "../graph-error.js";
import { minutesADay, parseDate, parseDateTime, parseZone } from "../iso-date.js";
import { defineOperator, textColumns } from "../operator.js";

const partsOfDate = [
  "year",
  "quarter",
  "month",
  "day",
  "weekday",
  "day_of_year",
  "week",
  "month_end",
  "epoch_day",
] as const;
const allParts = [...partsOfDate, "hour", "minute"] as const;

const params = closedObject({
  parts: listOf(closedSet(allParts), "parts"),
  format: closedSet(["date", "date-time"]),
  time_zone: z.string("a text").optional(),
});

const formats = {
  date: { parse: parseDate, expected: "a date (as 2026-11-22)" },
  "date-time": { parse: parseDateTime, expected: "a time with its offset (as 2026-11-22T08:00:00Z)" },
} as const;

export const dateParts = defineOperator(params, (columns, { parts, format, time_zone: zone }, { path, refusals }) => {
  const hasTime = format === "date-time";
  for (const [index, part] of parts.entries()) {
    const isOfDate = (partsOfDate as readonly string[]).includes(part);
    if (!hasTime && !isOfDate)
      throw new GraphError(`${path}.params.parts[${index}]`, "a part of a date", describe(part));
  }
  const zoneMinutes = zoneOf(zone, hasTime, `${path}.params.time_zone`);
  const { parse, expected } = formats[format];
  const work = textColumns(columns, `${path}.inputs`).map(({ feature, values }) => ({
    feature,
    from: values,
    outputs: parts.map(() => new NumberColumn(feature)),
  }));
  const targets = work.map(({ outputs }) => outputs.map(({ values }) => values));
  const wanted = parts.map((part) => allParts.indexOf(part));
  const found = new Float64Array(allParts.length);
  const step = (rowCount: number): void => {
    for (let index = 0; index < work.length; index++) {
      const { feature, from } = work[index]!;
      const to = targets[index]!;
      for (let row = 0; row < rowCount; row++) {
        const text = from[row]!;
        const parsed = typeof text === "string" ? parse(text) : Number.NaN;
        if (Number.isNaN(parsed) && text !== null) refusals.add(row, feature, expected, text);
        const minutes = hasTime ? parsed + zoneMinutes : parsed * minutesADay;
        writeParts(minutes, found);
        for (let at = 0; at < to.length; at++) to[at]![row] = found[wanted[at]!]!;
      }
    }
  };
  return { columns: work.flatMap(({ outputs }) => outputs), step };
});

function zoneOf(zone: string | undefined, hasTime: boolean, path: string): number {
  if (!hasTime) {
    if (zone !== undefined) throw new GraphError(path, 'nothing, since format is "date"', describe(zone));
    return 0;
  }
  const minutes = zone === undefined ? Number.NaN : parseZone(zone);
  if (Number.isNaN(minutes)) throw new GraphError(path, '"UTC" or a fixed offset, as "+01:00"', describe(zone));
  return minutes;
}

const date: CivilDate = { year: 0, month: 0, day: 0 };

/** Writes every part of `allParts`; NaN gives NaN everywhere. */
function writeParts(minutes: number, found: Float64Array): void {
  if (Number.isNaN(minutes)) {
    found.fill(Number.NaN);
    return;
  }
  const days = Math.floor(minutes / minutesADay);
  const ofDay = minutes - days * minutesADay;
  // 1970-01-01 was a Thursday.
  const weekday = remainder(days + 3, 7);
  // A week belongs to the year of its Thursday.
  const thursday = days - weekday + 3;
  civilDate(thursday, date);
  const week = Math.floor((thursday - epochDays(date.year, 1, 1)) / 7) + 1;
  civilDate(days + 1, date);
  const monthOfTomorrow = date.month;
  civilDate(days, date);
  const { year, month, day } = date;
  found[0] = year;
  found[1] = Math.floor((month + 2) / 3);
  found[2] = month;
  found[3] = day;
  found[4] = weekday;
  found[5] = days - epochDays(year, 1, 1) + 1;
  found[6] = week;
  found[7] = month === monthOfTomorrow ? 0 : 1;
  found[8] = days;
  found[9] = Math.floor(ofDay / 60);
  found[10] = ofDay % 60;
}

function remainder(value: number, divisor: number): number {
  return value - Math.floor(value / divisor) * divisor;
}
