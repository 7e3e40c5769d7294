// Sums of all pixels → a number or more per channel, in double precision, four channels at a time: what a norm's passes over maps have
// between them. The same code with every instruction set.
import type { Vector } from "../asm-x64.js";
import { Assembler, at, r10, r11, r12, r8, rax, rdi, xmm, ymm } from "../asm-x64.js";
import { kernel, repeat } from "../loops.js";
import type { Place } from "./map-pass.js";

/** Partial sums [partial][sum][lanes] of doubles, and the word of the call's operands that has their address. */
export interface Partials {
  readonly lanes: number;
  readonly partials: number;
  readonly partialCount: number;
  readonly sums: number;
}

/** What there is to do with doubles in registers. */
export interface DoubleTools {
  readonly a: Assembler;
  /** The sum of that number over all partial ones. */
  readonly total: (to: Vector, sum: number) => void;
  /** A float32 per channel. */
  readonly load: (to: Vector, place: Place) => void;
  readonly store: (place: Place, from: Vector) => void;
  /** A number among the operands, the same for all channels; and one of the code's own that float32 has. */
  readonly number: (to: Vector, word: number) => void;
  readonly constant: (to: Vector, value: number) => void;
}

/** Kernel (operands). `body` is emitted once. */
export function perFourChannels(
  { lanes, partials, partialCount, sums }: Partials,
  body: (tools: DoubleTools) => void,
  a = new Assembler(),
): Uint8Array {
  const rowOf = (place: Place) => {
    const [word, row] = typeof place === "number" ? [place, 0] : place;
    a.mov(rax, at(rdi, word * 8));
    return at(rax, row * lanes * 4, r12);
  };
  const tools: DoubleTools = {
    a,
    total(to, sum) {
      a.mov(r8, at(rdi, partials * 8));
      a.lea(r8, at(r8, sum * lanes * 8, r12, 2));
      a.load("vmovups", to, at(r8));
      const steps = [[r8, sums * lanes * 8]] as const;
      a.lea(r8, at(r8, sums * lanes * 8));
      repeat(a, { count: partialCount - 1, counter: r11, steps }, () => a.op("vaddpd", to, to, at(r8)));
    },
    load: (to, place) => a.unary("vcvtps2pd", to, rowOf(place)),
    store(place, from) {
      const to = rowOf(place);
      a.narrow(xmm(15), from);
      a.store("vmovups", to, xmm(15));
    },
    number: (to, word) => a.unary("vbroadcastsd", to, at(rdi, word * 8)),
    constant(to, value) {
      a.spread(xmm(to.n), value);
      a.unary("vcvtps2pd", to, xmm(to.n));
    },
  };
  return kernel(a, () => {
    a.set(r12, 0);
    repeat(a, { count: lanes / 4, counter: r10, steps: [[r12, 16]] }, () => body(tools));
  });
}

/** Registers of four doubles that `body` may use. */
export const DOUBLES = [
  ymm(0),
  ymm(1),
  ymm(2),
  ymm(3),
  ymm(4),
  ymm(5),
  ymm(6),
  ymm(7),
  ymm(8),
  ymm(9),
  ymm(10),
] as const;
