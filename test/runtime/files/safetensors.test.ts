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
