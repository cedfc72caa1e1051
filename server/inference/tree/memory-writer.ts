/** Writes numbers at places. Little-endian, as WebAssembly is and all processors are that Node runs on. */
export class MemoryWriter {
  readonly #bytes: Uint8Array;
  readonly #words: Int32Array;
  readonly #floats: Float64Array;
  readonly #values: Float32Array | Float64Array;

  constructor(buffer: ArrayBuffer, dtype: "float32" | "float64") {
    this.#bytes = new Uint8Array(buffer);
    this.#words = new Int32Array(buffer);
    this.#floats = new Float64Array(buffer);
    this.#values = dtype === "float32" ? new Float32Array(buffer) : this.#floats;
  }

  word(place: number, word: number): void {
    this.#words[place >> 2] = word;
  }

  words(place: number, words: ArrayLike<number>): void {
    this.#words.set(words, place >> 2);
  }

  floats(place: number, floats: Float64Array): void {
    this.#floats.set(floats, place >> 3);
  }

  bytes(place: number, bytes: Uint8Array): void {
    this.#bytes.set(bytes, place);
  }

  value(place: number, value: number): void {
    this.#values[place / this.#values.BYTES_PER_ELEMENT] = value;
  }

  addValue(place: number, value: number): void {
    this.#values[place / this.#values.BYTES_PER_ELEMENT]! += value;
  }
}
