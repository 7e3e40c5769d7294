// Just enough of protobuf's wire format to write what other programs read, TensorFlow, TensorBoard and ONNX's runtimes: varints,
// numbers of fixed length, and fields that begin with their length. See protobuf.dev/programming-guides/encoding.

const VARINT = 0;
const FIXED_64 = 1;
const LENGTH_DELIMITED = 2;
const FIXED_32 = 5;

/** Fields are written in the order of the calls. Their numbers are those of the reader's .proto files. */
export class Message {
  /** Nothing is copied before all of it is written: messages within messages may hold a network's weights. */
  readonly #parts: Uint8Array[] = [];
  #length = 0;

  int(field: number, value: number | boolean): this {
    return this.#key(field, VARINT).#varint(Number(value));
  }

  /** A repeated field of integers, packed as proto3 has them; nothing where there are none. */
  ints(field: number, values: readonly number[]): this {
    if (values.length === 0) return this;
    const packed = new Message();
    for (const value of values) packed.#varint(value);
    return this.message(field, packed);
  }

  float(field: number, value: number): this {
    const bytes = new Uint8Array(4);
    new DataView(bytes.buffer).setFloat32(0, value, true);
    return this.#key(field, FIXED_32).#add(bytes);
  }

  double(field: number, value: number): this {
    const bytes = new Uint8Array(8);
    new DataView(bytes.buffer).setFloat64(0, value, true);
    return this.#key(field, FIXED_64).#add(bytes);
  }

  bytes(field: number, value: Uint8Array): this {
    return this.#key(field, LENGTH_DELIMITED).#varint(value.length).#add(value);
  }

  text(field: number, value: string): this {
    return this.bytes(field, new TextEncoder().encode(value));
  }

  message(field: number, value: Message): this {
    this.#key(field, LENGTH_DELIMITED).#varint(value.#length);
    for (const part of value.#parts) this.#add(part);
    return this;
  }

  /** The same field for each of the values. */
  each<Value>(values: Iterable<Value>, write: (message: this, value: Value) => unknown): this {
    for (const value of values) write(this, value);
    return this;
  }

  finish(): Uint8Array {
    const bytes = new Uint8Array(this.#length);
    let at = 0;
    for (const part of this.#parts) {
      bytes.set(part, at);
      at += part.length;
    }
    return bytes;
  }

  #add(part: Uint8Array): this {
    this.#parts.push(part);
    this.#length += part.length;
    return this;
  }

  #key(field: number, wireType: number): this {
    return this.#varint((field << 3) | wireType);
  }

  /** Seven bits a byte, lowest first; a negative number is its 64-bit complement. */
  #varint(value: number): this {
    let rest = BigInt.asUintN(64, BigInt(value));
    const bytes: number[] = [];
    do {
      const low = Number(rest & 127n);
      rest >>= 7n;
      bytes.push(rest > 0n ? low | 128 : low);
    } while (rest > 0n);
    return this.#add(Uint8Array.from(bytes));
  }
}
