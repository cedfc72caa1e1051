/**
 * `GET /openapi.json`: the document of what is served now.
 *
 * Written when somebody asks, and again when what is served has changed; in short turns of the event loop, one model
 * after the other. What was written of a version is kept with it.
 */

import type { Pause } from "../../../bundle/index.js";
import type { Contract } from "../../versions/contract.js";
import type { Registry } from "../../versions/registry.js";
import type { Servable } from "../../versions/servable.js";
import { type KeptText, keepText } from "../kept-text.js";
import {
  type DocumentPart,
  type DocumentSource,
  describeFrame,
  describeModelPart,
  describeShared,
} from "./document.js";

/** The members that a part brings to each of the document's lists, as JSON without its braces. */
type PartBytes = Readonly<Record<keyof DocumentPart, Buffer>>;

export class OpenApi {
  readonly #source: DocumentSource;
  readonly #registry: Registry;
  readonly #pause: Pause;
  readonly #parts = new WeakMap<Servable, PartBytes>();
  #kept: { readonly served: string; readonly text: Promise<KeptText> } | undefined;

  /** @param pause - Asked between two steps: what it gives is awaited. */
  constructor(source: DocumentSource, registry: Registry, pause: Pause) {
    this.#source = source;
    this.#registry = registry;
    this.#pause = pause;
  }

  text(): Promise<KeptText> {
    const champions = this.#registry.models.flatMap(([name]) => this.#registry.champion(name) ?? []);
    const byDefault = this.#registry.find(undefined, undefined);
    const served = [
      byDefault?.name,
      ...champions.map(({ key, contract }) => `${key} ${contract.bundle.digest}`),
    ].join();
    if (this.#kept?.served !== served) {
      const text = this.#write(champions, byDefault?.contract, served);
      const kept = { served, text };
      this.#kept = kept;
      // A server that stops while it writes.
      text.catch(() => {
        if (this.#kept === kept) this.#kept = undefined;
      });
    }
    return this.#kept.text;
  }

  async #write(champions: readonly Servable[], byDefault: Contract | undefined, served: string): Promise<KeptText> {
    // Not in the turn of the call that asks.
    await this.#pause();
    const example = byDefault ?? champions[0]?.contract;
    const { head, components } = describeFrame(this.#source, example);
    const parts: PartBytes[] = [];
    for (const part of describeShared(this.#source, example, byDefault)) {
      parts.push(partBytes(part));
      await this.#pause();
    }
    for (const version of champions) {
      parts.push(this.#partOf(version));
      await this.#pause();
    }
    const begin = `${JSON.stringify(head).slice(0, -1)},"paths":{`;
    const middle = `},"components":${JSON.stringify(components).slice(0, -1)},"responses":{`;
    const pieces = [
      Buffer.from(begin),
      ...listOf(parts, "paths"),
      Buffer.from(middle),
      ...listOf(parts, "responses"),
      Buffer.from('},"schemas":{'),
      ...listOf(parts, "schemas"),
      Buffer.from('},"examples":{'),
      ...listOf(parts, "examples"),
      Buffer.from("}}}\n"),
    ];
    await this.#pause();
    // A megabyte that is written in one go is a megabyte of memory that the system has to find in one go.
    const whole = Buffer.allocUnsafeSlow(pieces.reduce((sum, { length }) => sum + length, 0));
    let end = 0;
    for (const piece of pieces) {
      end += piece.copy(whole, end);
      await this.#pause();
    }
    return keepText(whole, `${begin}${middle}${served}`);
  }

  #partOf(version: Servable): PartBytes {
    let part = this.#parts.get(version);
    if (part === undefined) {
      part = partBytes(describeModelPart(this.#source, version.contract));
      this.#parts.set(version, part);
    }
    return part;
  }
}

function partBytes({ paths, responses, schemas, examples }: Partial<DocumentPart>): PartBytes {
  const members = (list: object = {}) => Buffer.from(JSON.stringify(list).slice(1, -1));
  return {
    paths: members(paths),
    responses: members(responses),
    schemas: members(schemas),
    examples: members(examples),
  };
}

const comma = Buffer.from(",");

/** The members of one list, of all parts. */
function listOf(parts: readonly PartBytes[], list: keyof DocumentPart): readonly Buffer[] {
  const filled = parts.map((part) => part[list]).filter(({ length }) => length > 0);
  return filled.flatMap((bytes, index) => (index === 0 ? [bytes] : [comma, bytes]));
}
