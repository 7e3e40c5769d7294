// Copies of strided tensors to another place, layout or type by oneDNN, made when first met.
import type { Abi, DataType, Handle } from "./abi.js";
import { ARGUMENTS } from "./abi.js";
import { DESCRIPTOR_QUERIES } from "./abi-numbers.js";
import { Executable } from "./executable.js";

export interface Reordering {
  readonly sizes: readonly number[];
  readonly from: Strided;
  readonly to: Strided;
  /** Whether it is added to what is there. */
  readonly adds: boolean;
}

/** Strides in elements. */
export interface Strided {
  readonly type: DataType;
  readonly strides: readonly number[];
}

export class Reorderings {
  private readonly made = new Map<string, Executable>();

  constructor(private readonly abi: Abi) {}

  /** @throws OneDnnError where the library cannot. */
  scratchBytes(reordering: Reordering): number {
    const { description } = this.describe(reordering);
    return this.abi.descriptorBytes(this.abi.descriptorOf(description, DESCRIPTOR_QUERIES.scratchpad));
  }

  run(reordering: Reordering, from: number, to: number, scratch: number): void {
    const key = JSON.stringify(reordering);
    let executable = this.made.get(key);
    if (!executable) {
      const { description, ends } = this.describe(reordering);
      executable = new Executable(this.abi, description, [
        [ARGUMENTS.input, ends[0]],
        [ARGUMENTS.output, ends[1]],
        [ARGUMENTS.scratchpad, this.abi.descriptorOf(description, DESCRIPTOR_QUERIES.scratchpad)],
      ]);
      this.made.set(key, executable);
    }
    executable.run([from, to, scratch]);
  }

  private describe({ sizes, from, to, adds }: Reordering): { description: Handle; ends: readonly [Handle, Handle] } {
    const ends = [
      this.abi.strided(sizes, from.type, from.strides),
      this.abi.strided(sizes, to.type, to.strides),
    ] as const;
    return { description: this.abi.reorder(...ends, this.abi.attributes(adds)), ends };
  }
}

/** Strides of rows that lie one behind the other. */
export function dense(type: DataType, sizes: readonly number[]): Strided {
  const strides = sizes.map((_, index) => sizes.slice(index + 1).reduce((product, size) => product * size, 1));
  return { type, strides };
}
