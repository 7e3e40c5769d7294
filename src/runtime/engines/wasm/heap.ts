// The one shared memory of a session: tensors in and out of their padded storage, and steps written as the kernels read them.
import type { Step } from "../../../compiler/lower/placement/emit-step.js";
import {
  AVERAGE_SHARE,
  CORRECT,
  GRADIENT_NORM,
  GROUPS,
  IS_FIRST_MICRO_BATCH,
  LOSS,
  MICRO_BATCH_SHARE,
  DRAW_KEY,
  DRAW_STEP,
} from "../../../compiler/lower/kernels/kernel-constants.js";
import { PROVIDED, kernelNames, rowOf } from "../../../compiler/lower/kernels/kernels.js";
import type { StoredTensor } from "../../../compiler/lower/placement/layout.js";
import { WASM_BYTES } from "../../../compiler/memory/memory-limits.js";
import { UserError } from "../../process/user-error.js";
import type { DropDraws } from "../../random/drop-words.js";
import { drawCounter, drawKey } from "../../random/drop-words.js";
import type { StepControl } from "../step-control.js";

const PAGE = 65536;

export class Heap {
  readonly memory: WebAssembly.Memory;

  /** @throws UserError where that is more than WebAssembly can address or the system gives. */
  constructor(bytes: number) {
    this.memory = orTooLarge(bytes, () => reserve(Math.ceil(bytes / PAGE)));
  }

  ensure(bytes: number): void {
    const missing = Math.ceil((bytes - this.memory.buffer.byteLength) / PAGE);
    if (missing > 0) orTooLarge(bytes, () => this.memory.grow(missing));
  }

  bytes(address: number, length: number): Uint8Array {
    return new Uint8Array(this.memory.buffer, address, length);
  }

  floats(address: number, length: number): Float32Array {
    return new Float32Array(this.memory.buffer, address, length);
  }

  doubles(address: number, length: number): Float64Array {
    return new Float64Array(this.memory.buffer, address, length);
  }

  integers(address: number, length: number): Int32Array {
    return new Int32Array(this.memory.buffer, address, length);
  }

  /** What changes from step to step. */
  setHyper({ groups, averageShare }: Pick<StepControl, "groups" | "averageShare">): void {
    groups.forEach(({ rate, corrections }, index) => {
      this.floats(GROUPS + 16 * index, 3).set([rate, ...corrections]);
    });
    this.floats(AVERAGE_SHARE, 1)[0] = averageShare;
  }

  /** Where gradients are summed over micro-batches: what the one to come is of the batch. */
  setMicroBatch(share: number, isFirst: boolean): void {
    this.floats(MICRO_BATCH_SHARE, 1)[0] = share;
    this.integers(IS_FIRST_MICRO_BATCH, 1)[0] = Number(isFirst);
  }

  setDraws(draws: DropDraws): void {
    this.integers(DRAW_KEY, 2).set(drawKey(draws.seed));
    this.integers(DRAW_STEP, 2).set(drawCounter(draws));
  }

  setLoss(loss: number): void {
    new DataView(this.memory.buffer).setFloat64(LOSS, loss, true);
  }

  /** Of the last update; where it or the loss is not finite, the update was left out. */
  gradientNorm(): number {
    return new DataView(this.memory.buffer).getFloat64(GRADIENT_NORM, true);
  }

  result(): { loss: number; correct: number } {
    const view = new DataView(this.memory.buffer);
    return { loss: view.getFloat64(LOSS, true), correct: view.getInt32(CORRECT, true) };
  }

  /** Copies a tensor out of its padded storage; `region` is the address of its region. */
  readTensor(stored: StoredTensor, region: number): Float32Array {
    const data = new Float32Array(stored.blocks * stored.rows * stored.columns);
    this.eachRow(stored, region, (row, at) => data.set(row, at));
    return data;
  }

  writeTensor(stored: StoredTensor, region: number, data: Float32Array): void {
    this.eachRow(stored, region, (row, at) => row.set(data.subarray(at, at + stored.columns)));
  }

  private eachRow(stored: StoredTensor, region: number, visit: (row: Float32Array, at: number) => void): void {
    const { blocks, rows, storedRows, columns, storedColumns, offset } = stored;
    const all = this.floats(region + offset, blocks * storedRows * storedColumns);
    for (let block = 0; block < blocks; block++) {
      for (let row = 0; row < rows; row++) {
        const start = (block * storedRows + row) * storedColumns;
        visit(all.subarray(start, start + columns), (block * rows + row) * columns);
      }
    }
  }

  /** Writes a step's tables and its calls; the calls go to `address`. */
  writeStep(step: Step, address: number): void {
    for (const table of step.tables) this.integers(table.address, table.values.length).set(table.values);
    const words = encodeStep(step);
    new Uint32Array(this.memory.buffer, address, words.length).set(words);
  }
}

/**
 * A call is its kernel, the bytes to the next call, and its operands; a kernel of -1 ends the step. Of another provider's,
 * PROVIDED stands in the kernel's place, and before the operands the provider, the kernel, and the number of rounds and their units.
 */
export function encodeStep(step: Step): Uint32Array {
  const words: number[] = [];
  for (const { kernel, operands, provided } of step.calls) {
    const accesses = Object.values(rowOf(kernel).operands);
    const place = kernelNames.indexOf(kernel);
    const before = provided ? [provided.provider, place, provided.units.length, ...provided.units] : [];
    words.push(provided ? PROVIDED : place, (operands.length + before.length + 2) * 4, ...before);
    operands.forEach((operand, index) => words.push(accesses[index] === "float" ? floatBits(operand) : operand >>> 0));
  }
  words.push(-1 >>> 0);
  return Uint32Array.from(words);
}

const floatView = new Float32Array(1);
const bitsView = new Uint32Array(floatView.buffer);
function floatBits(value: number): number {
  floatView[0] = value;
  return bitsView[0]!;
}

/** A shared memory needs a maximum; the whole 4 GiB where the machine lets us reserve it, so that it can grow. */
function reserve(initial: number): WebAssembly.Memory {
  try {
    return new WebAssembly.Memory({ initial, maximum: WASM_BYTES / PAGE, shared: true });
  } catch {
    return new WebAssembly.Memory({ initial, maximum: initial, shared: true });
  }
}

function orTooLarge<T>(bytes: number, take: () => T): T {
  try {
    return take();
  } catch (error) {
    const needed = bytes < 1e8 ? `${(bytes / 1e6).toFixed(1)} MB` : `${(bytes / 1e9).toFixed(1)} GB`;
    const reason = (error as Error).message.replace(/^WebAssembly\.Memory(\(\)|\.grow\(\)): /, "");
    throw new UserError(
      bytes > WASM_BYTES
        ? `the network's steps need ${needed}, and the wasm engine can address 4.3 GB: write a smaller train.batch_size, or train.accumulate`
        : `the system refuses the wasm engine's heap of ${needed} (${reason}): Node sets some 10 GB of address space aside ` +
            "for it, more than a limit like `ulimit -v` or the machine leaves",
    );
  }
}
