import { describe, expect, it } from "vitest";
import { multiplyHigh, philox4x32 } from "../../../src/runtime/random/philox.js";

describe("philox4x32", () => {
  // From kat_vectors of the Random123 distribution, "philox4x32 10": counter, key, output.
  it.each([
    [
      [0, 0, 0, 0],
      [0, 0],
      [0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8],
    ],
    [
      [0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff],
      [0xffffffff, 0xffffffff],
      [0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd],
    ],
    [
      [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344],
      [0xa4093822, 0x299f31d0],
      [0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1],
    ],
  ])("gives the published words for counter %j and key %j", (counter, [key0, key1], expected) => {
    const output = new Uint32Array(4);
    philox4x32(Uint32Array.from(counter), key0!, key1!, output);
    expect([...output]).toEqual(expected);
  });
});

describe("multiplyHigh", () => {
  it("equals the upper half of the exact product", () => {
    const words = [0, 1, 2, 0xffff, 0x10000, 0x7fffffff, 0x80000000, 0xdeadbeef, 0xfffffffe, 0xffffffff];
    for (const a of words) {
      for (const b of words) {
        expect(multiplyHigh(a, b) >>> 0).toBe(Number((BigInt(a) * BigInt(b)) >> 32n));
      }
    }
  });
});
