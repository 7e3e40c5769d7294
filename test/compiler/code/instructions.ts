// Random instructions of the assembler, each with what it takes to emit it: the same ones for the same seed.
import type { Assembler, General, Memory, Vector } from "../../../src/compiler/code/asm-x64.js";
import { at, rsp } from "../../../src/compiler/code/asm-x64.js";

export type Emit = (a: Assembler) => void;

const BINARY = [
  "vaddps",
  "vmulps",
  "vsubps",
  "vminps",
  "vdivps",
  "vmaxps",
  "vandps",
  "vxorps",
  "vpaddd",
  "vpackusdw",
  "vaddpd",
  "vmulpd",
  "vsubpd",
  "vdivpd",
  "vmaxpd",
] as const;
const FUSED = (["132", "213", "231"] as const).flatMap((order) => [`vfmadd${order}ps`, `vfnmadd${order}ps`] as const);
const ARITHMETIC = ["add", "or", "and", "sub", "xor", "cmp"] as const;

/** `turns` times every instruction in every form. */
export function randomInstructions(seed: number, turns: number): Emit[] {
  let state = seed >>> 0;
  const below = (n: number): number => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    return (state >>> 8) % n;
  };
  const pick = <T>(list: readonly T[]): T => list[below(list.length)]!;
  const general = (): General => below(16);
  const memory = (): Memory => {
    const index = below(2) ? below(16) : undefined;
    const displacement = pick([
      0, 4, 8, -4, 64, -64, 128, 127, -128, 192, 256, 512, 4096, 8128, 8192, -8192, 1000, 123456, -99999,
    ]);
    return at(below(16), displacement, index === rsp ? undefined : index, pick([1, 2, 4, 8] as const));
  };
  // GNU as takes the EVEX form only where one register needs it
  const vector = (bytes: Vector["bytes"], most = bytes === 64 || below(4) === 0 ? 32 : 16): Vector => ({
    n: below(most),
    bytes,
  });
  const masking = () => (below(3) === 0 ? { mask: 1 + below(7), zero: below(2) === 1 } : {});

  const all: Emit[] = [];
  const add = (emit: Emit) => all.push(emit);
  for (let turn = 0; turn < turns; turn++) {
    const [x, y, m] = [general(), general(), memory()];
    const value = pick([0, 1, -1, 127, -128, 128, 4096, -70_000, 2 ** 31 - 1]);
    const large = pick([2 ** 33 + 5, 0x7f1234567890, 2 ** 32 - 2, -(2 ** 40)]);
    add((a) => a.mov(x, y));
    add((a) => a.mov(x, m));
    add((a) => a.mov(m, x));
    add((a) => a.lea(x, m));
    add((a) => a.set(x, value));
    add((a) => a.set(x, large));
    for (const name of ARITHMETIC) {
      add((a) => a.arithmetic(name, x, y));
      add((a) => a.arithmetic(name, x, m));
      add((a) => a.arithmeticWith(name, x, value));
    }
    add((a) => a.push(x));
    add((a) => a.pop(x));
    for (const name of [...BINARY, ...FUSED, "vfmadd231pd", "vdpbf16ps"] as const) {
      const bytes = pick([16, 32, 64] as const);
      const [to, v, w, place, options] = [vector(bytes), vector(bytes), vector(bytes), memory(), masking()];
      add((a) => a.op(name, to, v, w, options));
      add((a) => a.op(name, to, v, place, options));
      add((a) => a.op(name, to, v, place, { ...options, broadcast: true }));
    }
    const bytes = pick([16, 32, 64] as const);
    const [v, w, options] = [vector(bytes), vector(bytes), masking()];
    for (const name of ["vmovups", "vmovaps"] as const) {
      add((a) => a.load(name, v, m, options));
      add((a) => a.load(name, v, w, options));
      add((a) => a.store(name, m, v, { mask: options.mask }));
    }
    const one = vector(16, 16);
    add((a) => a.load("vmovss", one, m));
    add((a) => a.store("vmovss", m, one));
    add((a) => a.unary("vbroadcastss", v, m, options));
    add((a) => a.unary("vbroadcastss", v, { n: w.n, bytes: 16 }));
    const wide = vector(pick([32, 64] as const));
    const half: Vector = { n: w.n, bytes: wide.bytes === 64 ? 32 : 16 };
    for (const name of ["vcvtps2pd", "vpmovzxwd"] as const) {
      add((a) => a.unary(name, wide, half));
      add((a) => a.unary(name, wide, m));
    }
    add((a) => a.unary("vsqrtpd", v, w));
    add((a) => a.unary("vbroadcastsd", wide, m));
    add((a) => a.narrow(half, { n: v.n, bytes: wide.bytes }));
    add((a) => a.whereLess(1 + below(7), v, w));
    add((a) => a.whereLess(1 + below(7), v, m));
    const low = { ...wide, n: wide.n & 15, bytes: 32 } as const;
    add((a) => a.whereLess(low, { n: v.n & 15, bytes: 32 }, { n: w.n & 15, bytes: 32 }));
    add((a) => a.whereLess(low, { n: v.n & 15, bytes: 32 }, m));
    add((a) => a.extractHalf(vector(32, 32), vector(64), 1));
    add((a) => a.extractHalf(vector(16, 16), vector(32, 16), pick([0, 1] as const)));
    const bits = 1 + below(31);
    add((a) => a.shiftLeft(v, w, bits));
    add((a) => a.shiftRight(v, w, bits));
    add((a) => a.ones(v));
    add((a) => a.storeLowerHalves(m, v));
    add((a) => a.permuteQuarters(v, pick([w, m]), below(256)));
    add((a) => a.vmovd(vector(16, 32), x));
    add((a) => a.vzeroupper());
    add((a) => a.cpuid());
    add((a) => a.xgetbv());
    add((a) => a.ret());
  }
  return all;
}
