// Kernel calls over buffers that have no address yet: what select-kernels makes and allocate places.
import type { KernelName, OperandName, kernels } from "./kernels.js";
import type { Dtype } from "../placement/layout.js";

/** Index into `KernelCalls.buffers`. */
export type BufferId = number;

export type Buffer =
  /** At the same address in every step: parameters, gradients, optimizer slots, statistics, the staged batch. */
  | { readonly kind: "persistent"; readonly name: string }
  /** Lives from its first to its last call. */
  | { readonly kind: "transient"; readonly name: string; readonly bytes: number; readonly dtype: Dtype }
  /** Integers that the kernels read, written once; made only when a step is emitted, since sizes suffice for a plan. */
  | {
      readonly kind: "table";
      readonly name: string;
      readonly length: number;
      readonly values: () => readonly number[];
    };

/** A buffer as a call's operand. */
export interface BufferOperand {
  readonly buffer: BufferId;
  /** In bytes. */
  readonly offset?: number;
  /** Where the batch is worked on in parts and the buffer has all of it: how far each image moves the operand on. */
  readonly imageBytes?: number;
}

/** A buffer, or a plain number; `null` is the address 0, "absent". */
export type Operand = number | null | BufferOperand;

type OperandOf<A> = A extends "integer" | "float" ? number : Exclude<Operand, number>;
export type OperandsOf<K extends KernelName> = {
  readonly [P in OperandName<K>]: OperandOf<(typeof kernels)[K]["operands"][P]>;
};

export interface KernelCall {
  readonly kernel: KernelName;
  /** The training node it belongs to. */
  readonly node: string;
  readonly operands: Readonly<Record<string, Operand>>;
  /** `output` may take the place of `input` if `input` is not read again; `required` where the kernel adds to it. */
  readonly inPlace?: { readonly output: BufferId; readonly input: BufferId; readonly required: boolean };
  /** Multiply-adds that the operation stands for, whatever the algorithm. */
  readonly multiplyAdds: number;
  readonly provided?: Provided;
}

/** Of a call that is not WebAssembly's: the place of its provider among the step's, and the units of each of its rounds. */
export interface Provided {
  readonly provider: number;
  readonly units: readonly number[];
}

export type CallExtra = Partial<Pick<KernelCall, "multiplyAdds" | "inPlace" | "provided">>;

/** What a kernel of a convolution needs to write its calls. */
export interface CallWriter {
  readonly threads: number;
  call<K extends KernelName>(kernel: K, operands: OperandsOf<K>, extra?: CallExtra): void;
  scratch(name: string, bytes: number): { readonly buffer: BufferId };
  /** Tables of the same key are equal and kept once. */
  table(key: string, length: number, values: () => readonly number[]): { readonly buffer: BufferId };
  /** The place of a provider among the step's. */
  provider(id: string): number;
}

export interface KernelCalls {
  readonly buffers: readonly Buffer[];
  readonly calls: readonly KernelCall[];
  /** The calls from `first` up to `end` are carried out for each part of the batch, by the index of its first image. */
  readonly repeated?: { readonly first: number; readonly end: number; readonly starts: readonly number[] };
}

/**
 * Where a product is added to the buffer that its output takes over, or may be added to a residual in the residual's place:
 * not where the residual is what the convolution reads, whose neighbouring pixels it would overwrite before they are read.
 */
export function replacing(
  accumulated: BufferId | null,
  output: BufferOperand,
  { input, residual }: { readonly input?: BufferOperand; readonly residual?: BufferOperand | null } = {},
): { inPlace?: NonNullable<KernelCall["inPlace"]> } {
  const replaced = accumulated ?? (residual?.buffer === input?.buffer ? undefined : residual?.buffer);
  return replaced === undefined
    ? {}
    : { inPlace: { output: output.buffer, input: replaced, required: accumulated !== null } };
}
