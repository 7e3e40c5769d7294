// Maps of bfloat16 as emitted code loads and stores them: what lies between two of its numbers, at its ends and is no number.
import { describe, expect, it } from "vitest";
import { Assembler, at, rdi, rsi } from "../../../src/compiler/code/asm-x64.js";
import { REGISTERS } from "../../../src/compiler/code/instruction-set.js";
import { kernel } from "../../../src/compiler/code/loops.js";
import { loadMap, prepareRounding, storeMap, widen } from "../../../src/compiler/code/stored-maps.js";
import { noise, runCode, sets } from "../../engines/wasm/code/code-memory.js";
import { halved, rounded, unhalved } from "./reference.js";

const float = (bits: number): number => new Float32Array(Uint32Array.of(bits).buffer)[0]!;
const VALUES = Float32Array.from([
  ...[0, -0, 1, -1, Infinity, -Infinity, NaN],
  ...[0x3f808000, 0x3f818000, 0x3f808001, 0x3f807fff, 0xbf808000, 0xbf818000].map(float), // ties, and beside them
  ...[0x7f7fffff, 0x7f7f7fff, 0x00000001, 0x00008000, 0x00018000, 0x807fffff].map(float), // the largest, and subnormal ones
  ...noise(29, 1),
]);

describe.each(sets)("with %s", (set) => {
  it.each(["whole vectors", "half a vector"])("rounds to the nearest, of two to the even one: %s", (which) => {
    const bytes = which === "half a vector" ? 32 : REGISTERS[set].whole(0).bytes;
    const lanes = bytes / 4;
    const register = (n: number) => ({ n, bytes });
    const a = new Assembler();
    const code = kernel(a, () => {
      const rounding = [register(1), register(2)] as const;
      prepareRounding(a, "bfloat16", rounding);
      for (let first = 0; first < VALUES.length; first += lanes) {
        a.load("vmovups", register(0), at(rdi, first * 4));
        storeMap(a, set, "bfloat16", at(rsi, first * 2), register(0), rounding);
      }
    });
    const [, found] = runCode(code, [VALUES, new Float32Array(VALUES.length / 2).fill(NaN)]) as [never, Float32Array];
    expect([...unhalved(found)]).toEqual([...VALUES].map((value) => (Number.isNaN(value) ? NaN : rounded(value))));
  });

  it.each([4, 8, 12, 64, 100, 220])("widens %d numbers", (count) => {
    const map = noise(count, 2).map(rounded);
    const [, found] = runCode(widen(set, count), [halved(map), new Float32Array(count).fill(NaN)]) as [
      never,
      Float32Array,
    ];
    expect(found).toEqual(map);
  });

  it("loads what it stores", () => {
    const { whole, lanes } = REGISTERS[set];
    const map = noise(lanes, 3).map(rounded);
    const a = new Assembler();
    const code = kernel(a, () => {
      loadMap(a, "bfloat16", whole(0), at(rdi));
      prepareRounding(a, "bfloat16", [whole(1), whole(2)]);
      storeMap(a, set, "bfloat16", at(rsi), whole(0), [whole(1), whole(2)]);
    });
    const stored = halved(map);
    expect(runCode(code, [stored, new Float32Array(stored.length)])[1]).toEqual(stored);
  });
});
