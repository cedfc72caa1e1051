/**
 * Whether the callers of one version can call another: what protobuf asks of a message that changes. A number keeps its
 * field and its type for ever; a field that goes leaves its number reserved.
 */

import { quote } from "../../../bundle/index.js";
import type { ProtocolContract } from "../protocol.js";
import { type Message, type MessageField, messagesOf } from "./messages.js";

/** @returns Sentences; none where nothing breaks. */
export function protoBreaks(before: ProtocolContract, after: ProtocolContract): string[] {
  if (before.name !== after.name)
    return [`expected another version of ${quote(before.name)}, got one of ${quote(after.name)}: a service of its own`];
  const later = new Map(messagesOf(after).map((message) => [message.name, message]));
  return messagesOf(before)
    .filter(({ name }) => name !== "Context")
    .flatMap((message) => {
      const after = later.get(message.name);
      // Of a message that is gone, the field that had it is gone too, and is named.
      return after === undefined ? [] : messageBreaks(message, after, before.number);
    });
}

function messageBreaks(before: Message, after: Message, version: number): string[] {
  const fields = new Map(after.fields.map((field) => [field.number, field]));
  const places = new Map(after.fields.map((field) => [labelOf(field), field.number]));
  const reserved = new Map(after.reserved.map(({ number, label }) => [number, label]));
  const asBefore = `as in version ${version}`;
  const breaks: string[] = [];
  for (const field of before.fields) {
    const { number } = field;
    const label = labelOf(field);
    const place = `${before.name}, field ${number}`;
    const next = fields.get(number);
    const moved = places.get(label);
    if (next !== undefined && labelOf(next) === label) {
      if (typeWords(next) !== typeWords(field))
        breaks.push(`${place}, ${quote(label)}: expected ${typeWords(field)} ${asBefore}, got ${typeWords(next)}`);
      else if (next.name !== field.name)
        breaks.push(`${place}, ${quote(label)}: expected the name ${field.name} ${asBefore}, got ${next.name}`);
    } else if (moved !== undefined) {
      breaks.push(
        `${place}: expected ${quote(label)} ${asBefore}, which has the number ${moved} now${keepWords(label, number)}`,
      );
    } else if (next !== undefined) {
      breaks.push(
        `${place}: expected ${quote(label)} ${asBefore}, or nothing, got ${quote(labelOf(next))}: a number is never used again`,
      );
    } else if (field.label !== undefined && reserved.get(number) !== label) {
      breaks.push(
        `${place}: expected ${quote(label)} ${asBefore}, or its number reserved, got neither${keepWords(label, number)}`,
      );
    } else if (field.label === undefined) {
      breaks.push(`${place}: expected ${quote(label)} ${asBefore}, got nothing`);
    }
  }
  for (const { number, label } of before.reserved) {
    const next = fields.get(number);
    if (reserved.get(number) === label || (next !== undefined && labelOf(next) === label)) continue;
    const got = next === undefined ? "nothing" : quote(labelOf(next));
    breaks.push(
      `${before.name}, field ${number}: expected it reserved ${asBefore}, got ${got}${keepWords(label, number)}`,
    );
  }
  return breaks;
}

function labelOf({ label, name }: MessageField): string {
  return label ?? name;
}

function typeWords({ rule, type }: MessageField): string {
  return rule === "" ? type : `${rule} ${type}`;
}

function keepWords(label: string, number: number): string {
  return `; keep ${quote(label)}: ${number} in the manifest's proto.fields`;
}
