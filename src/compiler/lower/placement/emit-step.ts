// KernelCalls → Step: every operand becomes a number, every buffer an address in the one heap.
// A Step is plain data: what the WebAssembly engine loads, and what `netc graph --step` prints.
import type { Allocation } from "./allocate.js";
import { invariant } from "../../diagnostics/diagnostic.js";
import type { KernelCall, KernelCalls, Operand, Provided } from "../kernels/kernel-calls.js";
import type { KernelName } from "../kernels/kernels.js";
import { rowOf } from "../kernels/kernels.js";
import type { PersistentName } from "../convolutions/kernel-selector.js";

export interface StepCall {
  readonly kernel: KernelName;
  readonly node: string;
  /** In the order of the kernel's table. */
  readonly operands: readonly number[];
  readonly multiplyAdds: number;
  readonly provided?: Provided;
}

export interface Step {
  readonly batch: number;
  readonly calls: readonly StepCall[];
  /** Integers to write into the heap before the first run. */
  readonly tables: readonly { readonly name: string; readonly address: number; readonly values: readonly number[] }[];
  readonly arenaBytes: number;
  readonly aliveBytes: number;
  /** Calls that are written out for each part of the batch: places of those of the first part, and how many parts there are. */
  readonly repeated?: { readonly first: number; readonly end: number; readonly parts: number };
}

export interface Placement {
  readonly persistent: Readonly<Record<PersistentName, number>>;
  /** Address of the first table, and of the arena. */
  readonly tables: number;
  readonly arena: number;
}

export function emitStep(batch: number, source: KernelCalls, allocation: Allocation, placement: Placement): Step {
  const tables: Step["tables"][number][] = [];
  let tableEnd = placement.tables;
  const addresses = source.buffers.map((buffer, id) => {
    if (buffer.kind === "persistent") return placement.persistent[buffer.name as PersistentName];
    if (buffer.kind === "transient") return placement.arena + allocation.offsets[id]!;
    const address = tableEnd;
    tables.push({ name: buffer.name, address, values: buffer.values() });
    tableEnd += alignedBytes(buffer.length);
    return address;
  });
  const resolve = (operand: Operand, firstImage: number): number => {
    if (operand === null) return 0;
    if (typeof operand === "number") return operand;
    return addresses[operand.buffer]! + (operand.offset ?? 0) + firstImage * (operand.imageBytes ?? 0);
  };
  const emit = ({ kernel, node, operands, multiplyAdds, provided }: KernelCall, firstImage = 0): StepCall => {
    const names = Object.keys(rowOf(kernel).operands);
    const missing = names.find((name) => !(name in operands));
    invariant(missing === undefined, `${node} calls ${kernel}, which lacks an operand: ${missing}`);
    const numbers = names.map((name) => resolve(operands[name]!, firstImage));
    return { kernel, node, operands: numbers, multiplyAdds, ...(provided ? { provided } : {}) };
  };
  const { arenaBytes, aliveBytes } = allocation;
  const { calls, repeated } = source;
  if (!repeated) return { batch, calls: calls.map((call) => emit(call)), tables, arenaBytes, aliveBytes };
  const { first, end, starts } = repeated;
  const inParts = [
    ...calls.slice(0, first).map((call) => emit(call)),
    ...starts.flatMap((firstImage) => calls.slice(first, end).map((call) => emit(call, firstImage))),
    ...calls.slice(end).map((call) => emit(call)),
  ];
  return { batch, calls: inParts, tables, arenaBytes, aliveBytes, repeated: { first, end, parts: starts.length } };
}

export function tableBytes({ buffers }: KernelCalls): number {
  return buffers.reduce((sum, buffer) => sum + (buffer.kind === "table" ? alignedBytes(buffer.length) : 0), 0);
}

/** What a step's calls take where the engine reads them: each its kernel, its length, its provider and its operands, and the end. */
export function encodedBytes({ calls, repeated }: KernelCalls): number {
  const wordsOf = (some: readonly KernelCall[]): number =>
    some.reduce((words, { kernel, provided }) => {
      const more = provided ? 3 + provided.units.length : 0;
      return words + 2 + more + Object.keys(rowOf(kernel).operands).length;
    }, 0);
  const more = repeated ? (repeated.starts.length - 1) * wordsOf(calls.slice(repeated.first, repeated.end)) : 0;
  return alignedBytes(wordsOf(calls) + more + 1);
}

/** How many calls there are once repeated ones are written out. */
export function callCount({ calls, repeated }: KernelCalls): number {
  return calls.length + (repeated ? (repeated.starts.length - 1) * (repeated.end - repeated.first) : 0);
}

function alignedBytes(words: number): number {
  return Math.ceil((words * 4) / 64) * 64;
}
