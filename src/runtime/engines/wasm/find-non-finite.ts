// Works on a batch call by call and looks at what each call leaves: the first tensor that holds NaN or infinity.
import type { InspectedStep } from "../../../compiler/lower/inspect-step.js";
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
    const found = written[index]!.find(({ address: at, bytes }) => !isFinite(heap.floats(at, bytes / 4)));
    if (found) return found.name;
  }
  return undefined;
}

function isFinite(values: Float32Array): boolean {
  for (let index = 0; index < values.length; index++) if (!Number.isFinite(values[index])) return false;
  return true;
}
