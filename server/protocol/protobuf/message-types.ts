/** The messages of the fixed .proto files, as their descriptors have them: read once, when somebody first asks. */

import { Buffer } from "node:buffer";
import { defaultJsonName } from "../../../bundle/index.js";
import { protoFiles } from "./descriptors.js";
import { WireReader } from "./wire.js";

export interface FieldType {
  readonly number: number;
  readonly name: string;
  readonly jsonName: string;
  /** Of `google.protobuf.FieldDescriptorProto.Type`. */
  readonly type: number;
  readonly isRepeated: boolean;
  /** Of a message or an enum: its full name. */
  readonly typeName: string;
}

export interface MessageType {
  readonly fields: readonly FieldType[];
  /** An entry of a map: its fields are key and value. */
  readonly isEntry: boolean;
}

interface Types {
  readonly messages: Map<string, MessageType>;
  /** Names by number. */
  readonly enums: Map<string, ReadonlyMap<number, string>>;
}

let known: Types | undefined;

/** @param name - Full, as `inference.ModelReadyRequest`: there, or it is a bug. */
export function messageType(name: string): MessageType {
  return types().messages.get(name)!;
}

export function enumNames(name: string): ReadonlyMap<number, string> {
  return types().enums.get(name)!;
}

function types(): Types {
  if (known !== undefined) return known;
  known = { messages: new Map(), enums: new Map() };
  for (const { base64 } of protoFiles) readFile(Buffer.from(base64, "base64"), known);
  return known;
}

function readFile(bytes: Buffer, into: Types): void {
  const file = new WireReader(bytes);
  let root = "";
  while (file.next()) {
    if (file.field === 2) root = file.readText();
    else if (file.field === 4) readMessageType(file.readMessage(), root, into);
    else if (file.field === 5) readEnum(file.readMessage(), root, into);
    else file.skip();
  }
}

/** A message's name stands before all else in it, as every writer has it. */
function readMessageType(reader: WireReader, scope: string, into: Types): void {
  let name = scope;
  const fields: FieldType[] = [];
  let isEntry = false;
  while (reader.next()) {
    if (reader.field === 1) name = `${scope}.${reader.readText()}`;
    else if (reader.field === 2) fields.push(readField(reader.readMessage()));
    else if (reader.field === 3) readMessageType(reader.readMessage(), name, into);
    else if (reader.field === 4) readEnum(reader.readMessage(), name, into);
    else if (reader.field === 7) isEntry = readIsEntry(reader.readMessage());
    else reader.skip();
  }
  into.messages.set(name, { fields, isEntry });
}

function readField(reader: WireReader): FieldType {
  let [name, typeName, number, type, label] = ["", "", 0, 0, 0];
  while (reader.next()) {
    if (reader.field === 1) name = reader.readText();
    else if (reader.field === 3) number = reader.readInteger();
    else if (reader.field === 4) label = reader.readInteger();
    else if (reader.field === 5) type = reader.readInteger();
    else if (reader.field === 6) typeName = reader.readText().slice(1);
    else reader.skip();
  }
  return { number, name, jsonName: defaultJsonName(name), type, isRepeated: label === 3, typeName };
}

function readIsEntry(options: WireReader): boolean {
  let isEntry = false;
  while (options.next()) {
    if (options.field === 7) isEntry = options.readBool();
    else options.skip();
  }
  return isEntry;
}

function readEnum(reader: WireReader, scope: string, into: Types): void {
  let name = "";
  const values = new Map<number, string>();
  while (reader.next()) {
    if (reader.field === 1) name = `${scope}.${reader.readText()}`;
    else if (reader.field === 2) {
      const value = reader.readMessage();
      let [text, number] = ["", 0];
      while (value.next()) {
        if (value.field === 1) text = value.readText();
        else if (value.field === 2) number = value.readInteger();
        else value.skip();
      }
      values.set(number, text);
    } else reader.skip();
  }
  into.enums.set(name, values);
}
