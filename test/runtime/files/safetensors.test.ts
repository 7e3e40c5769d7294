import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decodeSafetensors, encodeSafetensors } from "../../../src/runtime/files/safetensors.js";

const example = readFileSync(new URL("../../oracle/example.safetensors", import.meta.url));

describe("decodeSafetensors", () => {
  it("reads a file that the safetensors package wrote", () => {
    const tensors = decodeSafetensors(example, "example.safetensors");
    expect(Object.fromEntries(tensors)).toEqual({
      "a.bias": { shape: [3], data: Float32Array.of(-0, 1e-45, 3.4e38) },
      "b.weight": { shape: [2, 3], data: Float32Array.of(0, 0.25, 0.5, 0.75, 1, 1.25) },
      scalar: { shape: [], data: Float32Array.of(7) },
    });
  });

  it("gives back what encodeSafetensors was given, bit for bit", () => {
    const tensor = fc.float32Array({ maxLength: 20 }).map((data) => ({ shape: [data.length], data }));
    fc.assert(
      fc.property(fc.dictionary(fc.string({ minLength: 1 }), tensor), (named) => {
        const names = Object.keys(named).filter((name) => name !== "__metadata__" && name !== "__proto__");
        const tensors = new Map(names.map((name) => [name, named[name]!]));
        const read = decodeSafetensors(Buffer.concat(encodeSafetensors(tensors)), "file");
        expect(new Set(read.keys())).toEqual(new Set(tensors.keys()));
        for (const [name, { shape, data }] of tensors) {
          expect(read.get(name)!.shape).toEqual(shape);
          expect(bits(read.get(name)!.data)).toEqual(bits(data));
        }
      }),
      { seed: 1 },
    );
  });

  it("says in one sentence that a file is cut short, wherever it is cut", () => {
    for (let length = 0; length < example.length; length++) {
      expect(() => decodeSafetensors(example.subarray(0, length), "cut.safetensors")).toThrow(/^cut\.safetensors/);
    }
  });

  it.each([
    ["no object", "5"],
    ["null", "null"],
    ["a list", "[]"],
    ["two tensors of one name", `{"a":${entry([1], 0, 4)},"a":${entry([1], 4, 8)}}`],
    ["an entry that is null", '{"a":null}'],
    ["a negative place", `{"a":${entry([3], -4, 8)}}`],
    ["a fraction of a byte", `{"a":${entry([2], 0.5, 8.5)}}`],
    ["a place that is text", '{"a":{"dtype":"F32","shape":[2],"data_offsets":["0","8"]}}'],
    ["a negative size", `{"a":${entry([-2], 0, 8)}}`],
    ["two negative sizes", `{"a":${entry([-2, -1], 0, 8)}}`],
    ["a fractional size", `{"a":${entry([0.5, 4], 0, 8)}}`],
    ["a size beyond all", `{"a":${entry([1e300], 0, 8)}}`],
    ["an end before the start", `{"a":${entry([0], 8, 4)}}`],
    ["data beyond the file", `{"a":${entry([4], 0, 16)}}`],
    ["data that go on", `{"a":${entry([1], 0, 4)}}`],
    ["a gap", `{"a":${entry([1], 4, 8)}}`],
    ["tensors that overlap", `{"a":${entry([2], 0, 8)},"b":${entry([1], 4, 8)}}`],
    ["another type", '{"a":{"dtype":"F64","shape":[1],"data_offsets":[0,8]}}'],
    ["a type that is none", '{"a":{"dtype":{},"shape":[1],"data_offsets":[0,8]}}'],
    ["no shape", '{"a":{"dtype":"F32","data_offsets":[0,8]}}'],
  ])("refuses a header with %s", (_, header) => {
    expect(() => decodeSafetensors(fileOf(header), "odd.safetensors")).toThrow(/^odd\.safetensors[ :]/);
  });

  it("refuses a header as long as a number can say", () => {
    for (const length of [2n ** 64n - 1n, 2n ** 53n, 100n]) {
      const bytes = fileOf(`{"a":${entry([2], 0, 8)}}`);
      new DataView(bytes.buffer, bytes.byteOffset).setBigUint64(0, length, true);
      expect(() => decodeSafetensors(bytes, "odd.safetensors")).toThrow(/^odd\.safetensors is not a safetensors file/);
    }
  });

  it("never crashes on bytes that are something else", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
        expect(() => decodeSafetensors(bytes, "noise")).toThrow(/^noise/);
      }),
      { seed: 1 },
    );
  });
});

describe("encodeSafetensors", () => {
  it("gives equal bytes for equal tensors, whatever their order", () => {
    const one = { shape: [1], data: Float32Array.of(1) };
    const other = { shape: [2], data: Float32Array.of(2, 3) };
    const forth = Buffer.concat(
      encodeSafetensors(
        new Map([
          ["a", one],
          ["b", other],
        ]),
      ),
    );
    const back = Buffer.concat(
      encodeSafetensors(
        new Map([
          ["b", other],
          ["a", one],
        ]),
      ),
    );
    expect(forth).toEqual(back);
  });

  it("starts the data at a multiple of eight bytes", () => {
    const file = encodeSafetensors(new Map([["a", { shape: [1], data: Float32Array.of(1) }]]));
    expect(file[0]!.length % 8).toBe(0);
  });
});

function bits(data: Float32Array): number[] {
  return [...new Uint32Array(data.buffer, data.byteOffset, data.length)];
}

function entry(shape: readonly number[], start: number, end: number): string {
  return JSON.stringify({ dtype: "F32", shape, data_offsets: [start, end] });
}

/** With eight bytes of data. */
function fileOf(header: string): Buffer {
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(header.length));
  return Buffer.concat([length, Buffer.from(header), Buffer.alloc(8)]);
}
