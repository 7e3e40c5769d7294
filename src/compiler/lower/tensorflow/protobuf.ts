// Just enough of protobuf's wire format to write what TensorFlow reads: varints, floats and length-delimited fields.
// See protobuf.dev/programming-guides/encoding.

const VARINT = 0;
const LENGTH_DELIMITED = 2;
const FIXED_32 = 5;

/** Fields are written in the order of the calls. Numbers of fields are those of TensorFlow's .proto files. */
export class Message {
  readonly #parts: Uint8Array[] = [];

  int(field: number, value: number | boolean): this {
    return this.#varint((field << 3) | VARINT).#varint(Number(value));
  }

  float(field: number, value: number): this {
    this.#varint((field << 3) | FIXED_32).#parts.push(littleEndian(value));
    return this;
  }

  bytes(field: number, value: Uint8Array): this {
    this.#varint((field << 3) | LENGTH_DELIMITED).#varint(value.length).#parts.push(value);
    return this;
  }

  text(field: number, value: string): this {
    return this.bytes(field, new TextEncoder().encode(value));
  }

  message(field: number, value: Message): this {
    return this.bytes(field, value.finish());
  }

  finish(): Uint8Array {
    const bytes = new Uint8Array(this.#parts.reduce((sum, part) => sum + part.length, 0));
    let at = 0;
    for (const part of this.#parts) {
      bytes.set(part, at);
      at += part.length;
    }
    return bytes;
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
    this.#parts.push(Uint8Array.from(bytes));
    return this;
  }
}

function littleEndian(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setFloat32(0, value, true);
  return bytes;
}
