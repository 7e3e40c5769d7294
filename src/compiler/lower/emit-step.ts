// KernelCalls → Step: every operand becomes a number, every buffer an address in the one heap.
// A Step is plain data: what the WebAssembly engine loads, and what `netc graph --step` prints.
import type { Allocation } from "./allocate.js";
import { invariant } from "../diagnostic.js";
import type { KernelCalls, Operand } from "./kernel-calls.js";
import type { KernelName } from "./kernels.js";
import { kernels } from "./kernels.js";
import type { PersistentName } from "./kernel-selector.js";

export interface StepCall {
  readonly kernel: KernelName;
  readonly node: string;
  /** In the order of the kernel's table. */
  readonly operands: readonly number[];
  readonly multiplyAdds: number;
}

export interface Step {
  readonly batch: number;
  readonly calls: readonly StepCall[];
  /** Integers to write into the heap before the first run. */
  readonly tables: readonly { readonly name: string; readonly address: number; readonly values: readonly number[] }[];
  readonly arenaBytes: number;
  readonly aliveBytes: number;
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
    tableEnd += alignedTableBytes(buffer.length);
    return address;
  });
  const resolve = (operand: Operand): number => {
    if (operand === null) return 0;
    return typeof operand === "number" ? operand : addresses[operand.buffer]! + (operand.offset ?? 0);
  };
  const calls = source.calls.map(({ kernel, node, operands, multiplyAdds }): StepCall => {
    const names = Object.keys(kernels[kernel]);
    invariant(
      names.length === Object.keys(operands).filter((name) => name in kernels[kernel]).length,
      `${kernel} lacks an operand`,
    );
    return { kernel, node, operands: names.map((name) => resolve(operands[name]!)), multiplyAdds };
  });
  const { arenaBytes, aliveBytes } = allocation;
  return { batch, calls, tables, arenaBytes, aliveBytes };
}

export function tableBytes({ buffers }: KernelCalls): number {
  return buffers.reduce((sum, buffer) => sum + (buffer.kind === "table" ? alignedTableBytes(buffer.length) : 0), 0);
}

function alignedTableBytes(count: number): number {
  return Math.ceil((count * 4) / 64) * 64;
}
