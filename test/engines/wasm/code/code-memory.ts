// Emitted kernels over memory of a test's own, between red zones: whatever lies there is no number before, and still is after.
import { expect } from "vitest";
import { DETECTION_WORDS, detected, detection, multipliesBfloat16 } from "../../../../src/compiler/code/detect.js";
import type { InstructionSet } from "../../../../src/compiler/code/instruction-set.js";
import { loadKoffi } from "../../../../src/runtime/engines/native/load-koffi.js";
import { ExecutableMemory } from "../../../../src/runtime/engines/wasm/code/executable-memory.js";

export const executable =
  process.platform === "linux" && process.arch === "x64" ? new ExecutableMemory(await loadKoffi()) : undefined;

const words = new BigUint64Array(DETECTION_WORDS);
executable?.kernelAt(executable.make(detection()))(executable.addressOf(words), 0, 0, 0, 0, 0);

/** Narrower sets run, too, where a wider one does. */
export const sets: readonly InstructionSet[] = setsHere();

/** Whether the widest of them is with AVX-512 BF16. */
export const hasBfloat16 = multipliesBfloat16(words);

function setsHere(): InstructionSet[] {
  const widest = detected(words);
  return widest === undefined ? [] : widest === "avx512" ? ["avx512", "avx2"] : ["avx2"];
}

const ZONE = 512;

/** Runs the code on the operands, and gives back what they hold afterwards. Numbers are passed as they are. */
export function runCode(code: Uint8Array, operands: readonly (Float32Array | number)[]): Float32Array[] {
  const views: Float32Array[] = [];
  const wholes: Float32Array[] = [];
  const values = operands.map((operand) => {
    if (typeof operand === "number") return operand;
    const whole = new Float32Array(operand.length + 2 * ZONE + 16).fill(NaN);
    const start = ZONE + ((64 - ((executable!.addressOf(whole) + ZONE * 4) % 64)) % 64) / 4;
    whole.set(operand, start);
    wholes.push(whole);
    views.push(whole.subarray(start, start + operand.length));
    return executable!.addressOf(views.at(-1)!);
  });
  const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0] = values;
  executable!.kernelAt(executable!.make(code))(a, b, c, d, e, f);
  for (const [index, whole] of wholes.entries()) {
    const view = views[index]!;
    const first = (view.byteOffset - whole.byteOffset) / 4;
    const zones = [whole.subarray(0, first), whole.subarray(first + view.length)];
    expect(
      zones.every((zone) => zone.every(Number.isNaN)),
      `the red zones of operand ${index}`,
    ).toBe(true);
  }
  return views;
}

/** Numbers around zero, the same for the same seed. */
export function noise(count: number, seed: number): Float32Array {
  let state = seed * 2654435761 + 1;
  return Float32Array.from({ length: count }, () => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    return (state >>> 8) / 2 ** 23 - 1;
  });
}
