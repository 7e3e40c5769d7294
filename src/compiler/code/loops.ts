// Loops of emitted code: what is repeated is written once, and all that can be known of it is known while it is written.
import type { Assembler, General, Vector } from "./asm-x64.js";
import { at, generalText, r12, r13, r14, r15, r8, r9, rbp, rbx, rcx, rdi, rdx, rsi } from "./asm-x64.js";
import type { InstructionSet } from "./instruction-set.js";
import { REGISTERS } from "./instruction-set.js";

/** Bytes that a register moves by from one turn to the next. */
export type Step = readonly [register: General, bytes: number];

/**
 * Code for each of `count` turns, `unroll` of them in one of a loop that `counter` counts down; `body` is told which of those it
 * is. Behind the last turn the registers have moved on by all steps.
 */
export function repeat(
  a: Assembler,
  {
    count,
    unroll = 1,
    counter,
    steps = [],
  }: { count: number; unroll?: number; counter: General; steps?: readonly Step[] },
  body: (turn: number) => void,
): void {
  const turns = Math.floor(count / unroll);
  const several = (times: number): void => {
    for (let turn = 0; turn < times; turn++) body(turn);
    for (const [register, bytes] of steps) move(a, register, bytes * times);
  };
  if (turns > 1) {
    a.note(() => loopText(turns, unroll, counter, steps));
    a.set(counter, turns);
  }
  const start = a.label();
  if (turns > 0) several(unroll);
  if (turns > 1) {
    a.arithmeticWith("sub", counter, 1);
    a.j("ne", start);
  }
  if (count % unroll > 0) several(count % unroll);
}

function loopText(turns: number, unroll: number, counter: General, steps: readonly Step[]): string {
  const moves = steps.filter(([, bytes]) => bytes !== 0);
  const moved = moves.map(([register, bytes]) => `${generalText(register)} by ${bytes * unroll}`).join(", ");
  const several = unroll > 1 ? `, ${unroll} at once` : "";
  return `${turns} turns${several}, counted by ${generalText(counter)}${moved && `; each moves ${moved}`}`;
}

/** Adds a constant to a pointer. */
export function move(a: Assembler, register: General, bytes: number): void {
  if (bytes !== 0) a.lea(register, at(register, bytes));
}

/**
 * Code for all channels of a pixel: whole vectors in a loop that rcx counts, then half a one for the last eight. `pointers` move
 * along, and are where they were behind it; with how many bytes a channel has, where those are not a float32's.
 */
export function perVector(
  a: Assembler,
  set: InstructionSet,
  lanes: number,
  pointers: readonly (General | Step)[],
  body: (register: (n: number) => Vector, bytes: number) => void,
): void {
  const { whole, lanes: inWhole } = REGISTERS[set];
  const count = Math.floor(lanes / inWhole);
  const bytes = inWhole * 4;
  const steps = pointers.map((pointer): Step => {
    const [register, ofChannel] = typeof pointer === "number" ? [pointer, 4] : pointer;
    return [register, inWhole * ofChannel];
  });
  repeat(a, { count, counter: rcx, steps }, () => body(whole, bytes));
  if (lanes % inWhole !== 0) body((n) => ({ n, bytes: 32 }), 32);
  for (const [register, step] of steps) move(a, register, -count * step);
}

/** How functions are called: what every kernel begins and ends by. */
export interface CallingConvention {
  /** Where the operands of a kernel come in. */
  readonly operands: readonly General[];
  /** What belongs to the caller. */
  readonly kept: readonly General[];
}

/** That of Linux, macOS and the BSDs (x86-64 psABI, §3.2.1 and §3.2.3); vector registers are all the callee's. */
export const SYSTEM_V: CallingConvention = {
  operands: [rdi, rsi, rdx, rcx, r8, r9],
  kept: [rbx, rbp, r12, r13, r14, r15],
};

/** A function around `body`: keeps what belongs to the caller, and leaves the vector unit as other code expects it. */
export function kernel(a: Assembler, body: () => void): Uint8Array {
  const { kept } = SYSTEM_V;
  for (const register of kept) a.push(register);
  body();
  a.vzeroupper();
  for (const register of kept.toReversed()) a.pop(register);
  a.ret();
  return a.finish();
}
