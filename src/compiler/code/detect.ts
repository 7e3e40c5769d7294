// Code that asks the processor what it is and what it does at best: which instructions it has, how many multiply-adds out of
// registers, how fast it copies.
import { Assembler, at, r8, rax, rbx, rcx, rdi, rdx, rsi } from "./asm-x64.js";
import type { InstructionSet } from "./instruction-set.js";
import { REGISTERS } from "./instruction-set.js";
import { kernel, move } from "./loops.js";

/** Eight 64-bit words, of which the lower halves count: what `detected` reads. */
export const DETECTION_WORDS = 8;

/** Kernel (words): cpuid's leaves 1 and 7, and which registers the system saves. Runs on every x86-64 processor. */
export function detection(a = new Assembler()): Uint8Array {
  return kernelWithoutVectors(a, () => {
    a.mov(r8, rdi);
    const store = (word: number, register: number) => a.mov(at(r8, word * 8), register);
    a.set(rax, 0);
    a.set(rcx, 0);
    a.cpuid();
    store(0, rax); // the highest leaf
    a.set(rax, 1);
    a.set(rcx, 0);
    a.cpuid();
    store(1, rcx);
    const none = a.labelAhead();
    // Without OSXSAVE (bit 27) xgetbv is no instruction
    a.arithmeticWith("and", rcx, 1 << 27);
    a.j("e", none);
    a.set(rcx, 0);
    a.xgetbv();
    store(2, rax);
    a.mov(rax, at(r8));
    a.arithmeticWith("cmp", rax, 7);
    a.j("b", none);
    a.set(rax, 7);
    a.set(rcx, 0);
    a.cpuid();
    store(3, rbx);
    store(4, rcx);
    store(5, rdx);
    a.set(rax, 7);
    a.set(rcx, 1);
    a.cpuid(); // zeros where there is no such part of the leaf
    store(6, rax);
    a.place(none);
  });
}

/** `vzeroupper` is AVX's. */
function kernelWithoutVectors(a: Assembler, body: () => void): Uint8Array {
  a.push(rbx);
  body();
  a.pop(rbx);
  a.ret();
  return a.finish();
}

const bit = (n: number): bigint => 1n << BigInt(n);
/** Intel's manual, volume 2, CPUID: leaf 1's ecx, leaf 7's ebx; volume 1, §13.3: what XCR0 says is saved. */
const [FMA, OSXSAVE, AVX] = [bit(12), bit(27), bit(28)];
const [AVX2, AVX512F, AVX512DQ, AVX512BW, AVX512VL] = [bit(5), bit(16), bit(17), bit(30), bit(31)];
/** Leaf 7's second part, eax. */
const AVX512_BF16 = bit(5);
const SAVES_YMM = 0b110n;
const SAVES_ZMM = 0b1110_0110n;

/** The widest set that there is, of what `detection` wrote into words that were zero. */
export function detected(words: BigUint64Array): InstructionSet | undefined {
  const has = (word: number, ...bits: readonly bigint[]) => bits.every((one) => (words[word]! & one) === one);
  const avx2 = has(1, FMA, OSXSAVE, AVX) && has(2, SAVES_YMM) && has(3, AVX2);
  if (!avx2) return undefined;
  return has(2, SAVES_ZMM) && has(3, AVX512F, AVX512DQ, AVX512BW, AVX512VL) ? "avx512" : "avx2";
}

/** Whether it multiplies bfloat16, too. */
export function multipliesBfloat16(words: BigUint64Array): boolean {
  return detected(words) === "avx512" && (words[6]! & AVX512_BF16) !== 0n;
}

/** Multiply-adds of whole vectors in a round of the kernel below: its sums are more than hide the latency of one. */
export const MULTIPLY_ADDS_A_ROUND = 48;
const SUMS = 12;

/** Kernel (rounds): multiply-adds out of registers. All factors are zero, so that no number ever leaves its range. */
export function multiplyAdds(set: InstructionSet, a = new Assembler()): Uint8Array {
  const { whole } = REGISTERS[set];
  return kernel(a, () => {
    for (let n = 0; n <= SUMS; n++) a.op("vxorps", whole(n), whole(n), whole(n));
    rounds(a, () => {
      for (let n = 0; n < MULTIPLY_ADDS_A_ROUND; n++) a.op("vfmadd231ps", whole(n % SUMS), whole(SUMS), whole(SUMS));
    });
  });
}

/** Bytes in a round of the kernel below. */
export const COPIED_A_ROUND = 256;

/** Kernel (rounds, from, to): a copy. */
export function copy(set: InstructionSet, a = new Assembler()): Uint8Array {
  const { whole, lanes } = REGISTERS[set];
  return kernel(a, () => {
    rounds(a, () => {
      const places = Array.from({ length: COPIED_A_ROUND / lanes / 4 }, (_, n) => [whole(n), n * lanes * 4] as const);
      for (const [register, place] of places) a.load("vmovups", register, at(rsi, place));
      for (const [register, place] of places) a.store("vmovups", at(rdx, place), register);
      move(a, rsi, COPIED_A_ROUND);
      move(a, rdx, COPIED_A_ROUND);
    });
  });
}

/** A loop that rdi counts, once at least. */
function rounds(a: Assembler, body: () => void): void {
  const start = a.label();
  body();
  a.arithmeticWith("sub", rdi, 1);
  a.j("ne", start);
}
