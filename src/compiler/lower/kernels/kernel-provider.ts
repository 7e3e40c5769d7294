// Who carries out the kernels of a step: WebAssembly's own module, a native library, code that is emitted at run time. To the
// compiler a provider is the kernels that it offers for a task; to a thread it is a module that opens it over the shared heap.
import type { ConvolutionKernel, ConvolutionPass, ConvolutionTask } from "../convolutions/convolution-task.js";
import type { KernelCall } from "./kernel-calls.js";
import type { KernelName } from "./kernels.js";

export interface KernelProvider {
  /** By which the calls of a step name it. */
  readonly id: string;
  /** In messages, and as the names of its kernels begin. */
  readonly name: string;
  readonly version: string;
  /** Of whole passes of convolutions: names by the numbers that calls have for them. */
  readonly methods?: readonly string[];
  /** All that can carry out the task, each named `${name} ${version} method`: the name that run folders and checkpoints record. */
  readonly candidates: <P extends ConvolutionPass>(
    task: ConvolutionTask & { readonly pass: P },
  ) => readonly ConvolutionKernel<P>[];
  /**
   * The units of each round of a call that it carries out in WebAssembly's place, where it was chosen for calls of that kernel
   * (`callsKey`); undefined where the call stays there.
   */
  readonly take?: (call: KernelCall) => readonly number[] | undefined;
  /**
   * How many images a unit of its call of a convolution works on at a time, where it does for norms beside it what the kernel's
   * operands can ask for; undefined where it does not.
   */
  readonly fuses?: (call: KernelCall) => number | undefined;
  /** What every thread opens; absent where the kernels are WebAssembly's own. */
  readonly thread?: ThreadModule;
}

/** Which providers there are beside WebAssembly, and which of all kernels carries out a task. */
export interface KernelChoice {
  /** Names of kernels by the key of their task, or of their calls; those that are absent go by the cost model. */
  readonly chosen: Readonly<Record<string, string>>;
  readonly providers: readonly KernelProvider[];
}

export const BY_COST: KernelChoice = { chosen: {}, providers: [] };

/** A module that exports `open: OpenProvider`, by its address, and what it is opened with. */
export interface ThreadModule {
  readonly module: string;
  /** Survives being sent to a thread. */
  readonly setup?: unknown;
}

/** A provider's export by the name of `open`, called once on each thread. */
export type OpenProvider = (
  memory: WebAssembly.Memory,
  thread: number,
  setup: unknown,
) => ThreadProvider | Promise<ThreadProvider>;

/** A provider on one thread. Addresses are bytes from the heap's beginning. */
export interface ThreadProvider {
  /** Runs a unit of a round of a call. Units of one round run on any threads in any order; all end before the next one. */
  readonly run?: (call: ProvidedCall, round: number, unit: number) => void;
  /** A product of matrices, for the kernels of WebAssembly that leave their products to a provider. */
  readonly multiply?: (...product: ProductOperands) => void;
}

/** The same object each time that the same call comes, so that work can be kept by it. */
export interface ProvidedCall {
  readonly kernel: KernelName;
  /** Addresses and numbers by the names of the kernel's table; an absent operand is 0. */
  readonly operands: Readonly<Record<string, number>>;
}

/**
 * result[rows][columns] = left · right, or where `adds` is not 0 += ; rows lie `…Row` floats apart. Where bit 0 of `transposed`
 * is set the left one lies by columns, with bit 1 the right one.
 */
export type ProductOperands = readonly [
  transposed: number,
  rows: number,
  columns: number,
  depth: number,
  left: number,
  leftRow: number,
  right: number,
  rightRow: number,
  adds: number,
  result: number,
  resultRow: number,
];

const CALLS = "calls of ";

/** The key by which a choice says who takes the calls of a kernel that belongs to no task. */
export function callsKey(kernel: string): string {
  return `${CALLS}${kernel}`;
}

/** The name by which it says so. */
export function nameOfCalls({ name, version }: KernelProvider, kernel: string): string {
  return `${name} ${version} ${kernel}`;
}

export function isOfCalls(key: string): boolean {
  return key.startsWith(CALLS);
}

/** Whether a provider here takes what a key and a name of a choice say. */
export function takesCalls(key: string, name: string, providers: readonly KernelProvider[]): boolean {
  return isOfCalls(key) && providers.some((one) => one.take && nameOfCalls(one, key.slice(CALLS.length)) === name);
}
