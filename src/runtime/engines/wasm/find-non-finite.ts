// Works on a batch call by call and looks at what each call leaves: the first tensor that holds NaN or infinity.
import type { InspectedStep, WrittenTensor } from "../../../compiler/lower/placement/inspect-step.js";
import type { Heap } from "./heap.js";
import { encodeStep } from "./heap.js";

/**
 * @param run carries out the step that is written at an address
 * @param address where a step of one call can be written
 */
export async function findNonFinite(
  heap: Heap,
  { step, calls, written }: InspectedStep,
  run: (address: number) => Promise<void>,
  address: number,
): Promise<string | undefined> {
  for (const [index, call] of calls.entries()) {
    const words = encodeStep({ ...step, calls: [call] });
    heap.ensure(address + words.length * 4);
    heap.integers(address, words.length).set(words);
    await run(address);
    const found = written[index]!.find((tensor) => !isFinite(valuesOf(heap, tensor)));
    if (found) return found.name;
  }
  return undefined;
}

function valuesOf(heap: Heap, { address, bytes, dtype }: WrittenTensor): Float32Array {
  if (dtype === "float32") return heap.floats(address, bytes / 4);
  const halves = new Uint16Array(heap.memory.buffer, address, bytes / 2);
  return new Float32Array(Uint32Array.from(halves, (half) => half << 16).buffer);
}

function isFinite(values: Float32Array): boolean {
  for (let index = 0; index < values.length; index++) if (!Number.isFinite(values[index])) return false;
  return true;
}
