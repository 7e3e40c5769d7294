// What the trainer knows of an engine. One implementation a folder under engines/.
import type { MemoryLimits } from "../../compiler/memory/memory-limits.js";
import type { Program } from "../../compiler/program.js";

export type Availability =
  | { readonly available: true; readonly version: string; readonly device: string }
  | { readonly available: false; readonly reason: string; readonly remedy: string };

export interface Engine {
  readonly name: string;
  /** The kinds of device that it can compute on. */
  readonly devices: readonly Device["kind"][];
  /** Cheap enough for `netc doctor`; never throws. */
  probe(options?: ProbeOptions): Promise<Availability>;
  /** Before anything is prepared for a run. @throws UserError where the program asks for what cannot be done here. */
  require(program: Program): Promise<void>;
  open(program: Program, options: EngineOptions): Promise<Session>;
}

export interface ProbeOptions {
  /** Without what the device's text says of libraries that the engine can do without: to tell, it would load them. */
  readonly isBrief?: boolean;
}

/** Where an engine computes. */
export type Device = { readonly kind: "cpu" } | { readonly kind: "gpu"; readonly index: number };

export interface EngineOptions {
  readonly threads?: number;
  /** Default: the processor. */
  readonly device?: Device;
  /**
   * Which kernels carry out the convolutions: "predicted" by the compiler, the same on every machine; "measured" here,
   * once a machine; or those that a run began with, as its session said (`Session.kernels`). "predicted" without it.
   */
  readonly kernels?: "predicted" | "measured" | Readonly<Record<string, string>>;
  /** What the kernels that are chosen must stay within; without it, what the engine can address. */
  readonly memory?: MemoryLimits;
}

/** Images as 8-bit values [count, height, width, channels]; the session normalises them as the config says. */
export interface Batch {
  readonly count: number;
  readonly images: Uint8Array;
  /** Class indices, one an image; where two images are mixed, that of the larger share. */
  readonly labels: Int32Array;
  /** The second labels of training images that are mixed (mixup, cutmix); without it every image has its one label. */
  readonly mixed?: MixedLabels;
}

/** What a mixed image has beside its label; one value an image. */
export interface MixedLabels {
  /** Class index of the other image. */
  readonly labels: Int32Array;
  /** How much of the target falls to the label, from 0.5 to 1; the rest falls to the other one. */
  readonly shares: Float32Array;
}

/** Images `first` to `first + count` of a batch, without a copy. */
export function sliceOf({ images, labels, mixed, count: whole }: Batch, first: number, count: number): Batch {
  const bytes = images.length / whole;
  const end = first + count;
  return {
    count,
    images: images.subarray(first * bytes, end * bytes),
    labels: labels.subarray(first, end),
    ...(mixed && { mixed: { labels: mixed.labels.subarray(first, end), shares: mixed.shares.subarray(first, end) } }),
  };
}

/** What changes from step to step. */
export interface StepHyper {
  readonly learningRate: number;
  /** Counted from 1. */
  readonly step: number;
  /** Steps before it that changed nothing, since they were not finite; none without it. */
  readonly skipped?: number;
}

/** How many updates there are with this step's: what Adam's bias correction counts. */
export function updatesOf({ step, skipped = 0 }: StepHyper): number {
  return step - skipped;
}

/**
 * Loss is the mean over the batch (label smoothing included), the gradient norm the L2 norm over all gradients together
 * before any limit to it. Where either is not finite the step changed nothing: parameters, optimizer slots, statistics and
 * averages are as before it.
 */
export interface StepResult {
  readonly loss: number;
  readonly correct: number;
  readonly gradientNorm: number;
}

export interface EvaluationResult {
  /** Mean cross-entropy without label smoothing. */
  readonly loss: number;
  readonly correct: number;
  /** [count, classes] */
  readonly logits: Float32Array;
}

/**
 * Every tensor that training changes, by name, float32, logical shapes (see compiler/parameters.ts):
 * parameters, running statistics, and optimizer slots named `<parameter>.momentum`, `<parameter>.first_moment`, …,
 * and where the file asks for a weight average `<parameter or statistic>.average`.
 */
export type State = ReadonlyMap<string, { readonly shape: readonly number[]; readonly data: Float32Array }>;

/** The first training images, resized and otherwise as they are: [count, height, width, channels] (`Loader.plain`). */
export type PlainImages = (count: number) => Uint8Array;

/**
 * Does one thing at a time. What it is handed and cannot take is a UserError that changes nothing; whatever else fails leaves
 * a session that can only be disposed of.
 */
export interface Session {
  /** Kernels that were chosen by measurement, by what they compute: other kernels round otherwise. */
  readonly kernels?: Readonly<Record<string, string>>;
  /** What parameters, activations and all else that steps work on take, where that is planned ahead. */
  readonly heapBytes?: number;
  /**
   * Computes what an initial state takes from training images, filters that whiten, unless a state has brought them: `train`
   * begins with it, and networks that have such filters take no step before. Nothing for all others.
   */
  initializeFromImages?(images: PlainImages): Promise<void>;
  step(batch: Batch, hyper: StepHyper): Promise<StepResult>;
  evaluate(batch: Batch): Promise<EvaluationResult>;
  /**
   * The first tensor, in the order of computation, that holds NaN or infinity when a step works on this batch: named as in
   * a TrainingGraph ("stages.0.blocks.1.conv1", "… input gradient") or a State. Undefined where all are finite. Changes nothing.
   */
  findNonFinite(batch: Batch, hyper: StepHyper): Promise<string | undefined>;
  /** Copies: later steps do not change them. */
  readState(): Promise<State>;
  /** Names that are absent keep their value; unknown names or other shapes throw. */
  writeState(state: State): Promise<void>;
  dispose(): Promise<void>;
}
