// Numbers that compiler, host and kernels must agree on. Each stands here alone: scripts/generate-kernel-operands.mjs writes
// them down for the kernels (assembly/generated/constants.ts).
import type { ActivationKind } from "../../network/activations.js";
import { activationKinds } from "../../network/activations.js";
import { NEWTON_SCHULZ } from "../../training/update-rule.js";

// The control block: addresses below the heap through which host and kernels tell each other what changes from step to step.
/**
 * Where the threads keep together, each word in a cache line of its own (i32): how many barriers have opened, how many have arrived
 * at the next one, the next unit of work, how many sleep, and the step to run, 0 to end.
 */
export const GENERATION = 1024;
export const ARRIVED = 1088;
export const NEXT = 1152;
export const SLEEPERS = 1216;
export const STEP = 1280;
/** u32: where the next stamp of a step goes that is timed, 0 in others. */
export const TIMES = 1344;
/** f32: the share of its batch that a micro-batch has. */
export const MICRO_BATCH_SHARE = 1408;
/** i32: whether the micro-batch is the first of its batch. */
export const IS_FIRST_MICRO_BATCH = 1412;
/** i32: whether the rest of the step is left out, since a number is not finite. */
export const ABANDONED = 1416;
/** f64: the norm over all gradients, before any limit to it. */
export const GRADIENT_NORM = 1424;
/** What dropout draws by: the seed, two i32; step and micro-batch with the purpose, an i32 each (runtime/random/drop-words.ts). */
export const DRAW_KEY = 1440;
export const DRAW_STEP = 1448;
export const DRAW_PURPOSE = 1452;
/** f32: how far the step moves the average; 0 leaves it. */
export const AVERAGE_SHARE = 1536;
/** f64: the mean loss over the batch. */
export const LOSS = 1600;
/** i32: images of the batch whose class was found. */
export const CORRECT = 1608;
/** Two f32 that the compiler of the kernels cannot know: factors of the sums that measure the machine's peak. */
export const PEAK_FACTORS = 1792;
/** 16 bytes a group of parameters: its rate, then Adam's 1 − beta1ᵗ and √(1 − beta2ᵗ). */
export const GROUPS = 2048;

/** Zeros up to the heap's start: what a pixel outside the map reads, and the bias where there is none. */
export const ZEROS = 65536;
/** So many of them serve a row of pixels outside the map. */
export const ZERO_FLOATS = 16384;
/** Below it: the control block, the zeros, and the kernels' own constants. */
export const HEAP_START = 256 * 1024;

/** Where the heap of steps with no tensor of more lanes starts: there are as many zeros. */
export function heapStart(lanes: number): number {
  return Math.max(HEAP_START, Math.ceil((ZEROS + lanes * 4) / 4096) * 4096);
}

/** Bytes of a thread's strip of six rows of tiles between Winograd's two one-dimensional transforms. */
export const STRIP_BYTES = 6784;
/** Bytes between the matrices of Winograd's frequencies: those of a power of two would fall on the same sets of a cache. */
export const FREQUENCY_GAP = 512;
/** Bytes of a thread that transforms filters for a library's products. */
export const FILTER_SCRATCH_BYTES = 512;
/** Bytes of parameters that are updated at a time. */
export const UPDATE_UNIT_BYTES = 32768;
/** Bytes of a map that a thread of a pointwise kernel takes at a time. */
export const POINTWISE_UNIT_BYTES = 65536;
/** Bytes of gradients that are added, squared and summed at a time, by one thread in one order. */
export const GRADIENT_UNIT_BYTES = 32768;

/** Partial sums in which Muon's norms are summed, whatever the number of threads. */
export const MUON_NORM_PARTIALS = 16;
/** What the kernels know an activation as, by its name in capitals; 0 is none. */
const ACTIVATION_CODES = Object.fromEntries(activationKinds.map((kind, at) => [kind.toUpperCase(), at + 1]));

export function activationCode(kind: ActivationKind): number {
  return ACTIVATION_CODES[kind.toUpperCase()]!;
}

/** By the type that the kernels know them as. */
export const constantsOfKernels = {
  usize: {
    GENERATION,
    ARRIVED,
    NEXT,
    SLEEPERS,
    STEP,
    TIMES,
    UPDATE_UNIT_BYTES,
    POINTWISE_UNIT_BYTES,
    MICRO_BATCH_SHARE,
    IS_FIRST_MICRO_BATCH,
    ABANDONED,
    GRADIENT_NORM,
    DRAW_KEY,
    DRAW_STEP,
    DRAW_PURPOSE,
    AVERAGE_SHARE,
    LOSS,
    CORRECT,
    PEAK_FACTORS,
    GROUPS,
    ZEROS,
    STRIP_BYTES,
    FREQUENCY_GAP,
    FILTER_SCRATCH_BYTES,
    GRADIENT_UNIT_BYTES,
  },
  i32: { ZERO_FLOATS, MUON_NORM_PARTIALS, ...ACTIVATION_CODES },
  f32: { NEWTON_SCHULZ_A: NEWTON_SCHULZ.a, NEWTON_SCHULZ_B: NEWTON_SCHULZ.b, NEWTON_SCHULZ_C: NEWTON_SCHULZ.c },
  f64: { NEWTON_SCHULZ_EPS: NEWTON_SCHULZ.eps },
} as const;
