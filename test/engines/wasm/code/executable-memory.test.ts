// Pages of code: what runs there, and that they are never writable and executable at once.
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { Assembler, at, rax, rdi, rsi } from "../../../../src/compiler/code/asm-x64.js";
import { detected } from "../../../../src/compiler/code/detect.js";
import { executable } from "./code-memory.js";

describe.runIf(executable !== undefined)("executable memory", () => {
  it("runs what was assembled, with the operands that it is called with", () => {
    const a = new Assembler();
    a.mov(rax, rsi);
    a.arithmeticWith("add", rax, 2);
    a.mov(at(rdi), rax);
    a.ret();
    const words = new BigInt64Array(1);
    executable!.kernelAt(executable!.make(a.finish()))(executable!.addressOf(words), 40, 0, 0, 0, 0);
    expect(words[0]).toBe(42n);
  });

  it("is executable and no longer writable once it was made, and no page is both", () => {
    const a = new Assembler();
    a.ret();
    const address = executable!.make(a.finish());
    const maps = readFileSync("/proc/self/maps", "utf8").trim().split("\n");
    const rightsAt = (place: number): string | undefined =>
      maps
        .find((line) => {
          const [from = 0, to = 0] = line
            .split(" ")[0]!
            .split("-")
            .map((text) => Number.parseInt(text, 16));
          return place >= from && place < to;
        })
        ?.split(" ")[1];
    expect(rightsAt(address)).toBe("r-xp");
  });
});

describe("which instructions there are", () => {
  const bit = (...bits: readonly number[]): bigint => bits.reduce((sum, one) => sum | (1n << BigInt(one)), 0n);
  const words = (ecx1: bigint, xcr0: bigint, ebx7: bigint) => BigUint64Array.of(7n, ecx1, xcr0, ebx7, 0n, 0n, 0n, 0n);
  const [avx, avx2, avx512] = [bit(12, 27, 28), bit(5), bit(5, 16, 17, 30, 31)];

  it.each([
    ["AVX-512 where the processor has it and the system saves its registers", words(avx, 0xe7n, avx512), "avx512"],
    ["AVX2 where the system does not save AVX-512's", words(avx, 0x7n, avx512), "avx2"],
    ["AVX2 where a part of AVX-512 is missing", words(avx, 0xe7n, bit(5, 16)), "avx2"],
    ["none without fused multiply-add", words(bit(27, 28), 0x7n, avx2), undefined],
    ["none where the system saves no vectors at all", words(avx, 0x3n, avx2), undefined],
    ["none of a processor that tells nothing", new BigUint64Array(8), undefined],
  ])("%s", (_, found, expected) => {
    expect(detected(found)).toBe(expected);
  });
});
