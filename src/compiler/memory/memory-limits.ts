// What training may take, what it takes beside the engine's heap, and a quick upper bound on that heap, so that only programs
// near a limit have their steps placed to know it exactly.
import { providerIn } from "./provider-in.js";
import type { ResolvedConfig } from "../config.js";
import { cost } from "../network/cost.js";
import { datasetFacts, trainingSplit } from "../datasets.js";
import { parameterGroups } from "../training/parameter-groups.js";
import type { ShapedGraph } from "../network/graph.js";
import { filterOf, spanOf } from "../network/graph.js";
import { parametersOf, statisticsOf } from "../network/parameters.js";
import type { Program } from "../program.js";
import { slotNames } from "../training/update-rule.js";
import { averagesWeights } from "../training/weight-average.js";

export interface MemoryLimits {
  readonly threads: number;
  /** How much the engine can address: 4 GiB in WebAssembly, Infinity where only the machine limits it. */
  readonly addressableBytes: number;
  /** What the machine has for everything that training adds to the process as it is. */
  readonly machineBytes: number;
}

/** What a WebAssembly memory can be: its addresses are 32 bits wide. */
export const WASM_BYTES = 2 ** 32;

export interface NeededMemory {
  /** The engine's heap. */
  readonly engine: number;
  /** The heap and what training adds beside it. */
  readonly all: number;
  /** Of the limit that is nearest; above 1 it does not fit. */
  readonly share: number;
}

/**
 * What other providers than WebAssembly take by themselves, by the names of the kernels that were chosen. bfloat16 always goes to
 * one: before kernels are chosen it is the most that it may be.
 */
export function providerBytes({ config, graph }: Program, chosen: Readonly<Record<string, string>>): number {
  const names = Object.values(chosen).flatMap((name) => providerIn(name) ?? []);
  if (names.length > 0) return new Set(names).size * PROVIDER + names.length * KIND;
  if (config.train.precision === "float32") return 0;
  const layers = graph.nodes.filter(({ op }) => op.kind === "conv2d");
  const different = new Set(
    layers.map(({ op, inputs, shape }) => JSON.stringify([op, shape, ...inputs.map((at) => graph.nodes[at]!.shape)])),
  );
  return PROVIDER + KIND * KINDS_A_LAYER * different.size;
}

/** Three passes of a whole batch and of an epoch's last, and evaluations. */
const KINDS_A_LAYER = 6;

export function neededMemory(
  program: Program,
  engine: number,
  { threads, addressableBytes, machineBytes }: MemoryLimits,
  ofProviders = 0,
): NeededMemory {
  const all = engine + sum(Object.values(bytesBesideEngine(program, threads, ofProviders)));
  return { engine, all, share: Math.max(engine / addressableBytes, all / machineBytes) };
}

/** Of what is too large, in words: "4.9 GB", and "the wasm engine can address 4.3 GB". */
export function shortage(
  { engine, all }: NeededMemory,
  { addressableBytes, machineBytes }: MemoryLimits,
): { needs: string; has: string } {
  if (engine / addressableBytes >= all / machineBytes) {
    const [needs, has] = gigabytes(engine, addressableBytes);
    return { needs, has: `the wasm engine can address ${has}` };
  }
  const [needs, has] = gigabytes(all, machineBytes);
  return { needs, has: `for it, its images and its batches this machine has ${has}` };
}

/** With as many digits as tell them apart. */
function gigabytes(needed: number, limit: number): [string, string] {
  const text = (bytes: number, digits: number): string => `${(bytes / 1e9).toFixed(digits)} GB`;
  for (let digits = 1; ; digits++) {
    const texts: [string, string] = [needed, limit].map((bytes) => text(bytes, digits + Number(bytes < 1e9))) as [
      string,
      string,
    ];
    if (digits === 6 || texts[0] !== texts[1]) return texts;
  }
}

export interface BytesBesideEngine {
  /** The data set. */
  readonly images: number;
  /** Batches that are prepared while others are worked on, and test images that were resized. */
  readonly batches: number;
  /** The state that is being saved, and the one that is to be saved next. */
  readonly states: number;
  /** Other providers' own, where kernels go to them. */
  readonly library: number;
  /** What Node.js takes for the engine's threads, and more than at its start for netc's code and its events. */
  readonly threads: number;
}

/** `ofProviders` as `providerBytes` tells it. */
export function bytesBesideEngine(program: Program, threads: number, ofProviders = 0): BytesBesideEngine {
  return {
    images: imageBytes(program.config),
    batches: batchBytes(program.config),
    states: 2 * stateBytes(program),
    library: ofProviders,
    threads: GROWTH + threads * THREAD,
  };
}

// Measured by `node bench/process-memory.mjs`, which tells how true they are, with Node 20.
const MEBIBYTE = 1024 * 1024;
const GROWTH = 13 * MEBIBYTE;
const THREAD = 9 * MEBIBYTE;
/** A provider of kernels, and what it makes for each kind of convolution that goes to it: 0.8 to 1.7 MiB. */
const PROVIDER = 8 * MEBIBYTE;
const KIND = 1.4 * MEBIBYTE;

/** Batches read ahead from a file, and those in use; of them are images read ahead of the batch that is being made. */
export const READ_AT_ONCE = 5;
export const READ_AHEAD = 2;

export function isHeldOnDisk({ dataset }: ResolvedConfig["data"]): boolean {
  return typeof dataset === "object" && "images" in dataset && dataset.images.held_in === "disk";
}

/** What is held of the data set while training: all of its 8-bit images in their own size, or those read ahead. */
export function imageBytes({ data, train }: ResolvedConfig): number {
  const { height, width, channels, trainImages, testImages } = datasetFacts(data.dataset);
  const bytes = height * width * channels;
  if (!isHeldOnDisk(data)) return (trainImages + testImages) * bytes;
  const { validationImages } = trainingSplit(data);
  const batch = Math.min(train.batch_size, trainImages - validationImages);
  const evaluated = [testImages, validationImages].map((count) => Math.min(train.evaluation.batch_size, count));
  return READ_AT_ONCE * (batch + evaluated[0]! + evaluated[1]!) * bytes;
}

/** Batches of each kind that are in use or prepared at once. */
export const BATCHES_AT_ONCE = 3;
/** Resized test images are kept up to this size: resizing CIFAR-10 to 96×96 takes a second of every evaluation. */
export const KEPT_TEST_BYTES = 400e6;

function batchBytes({ data, train }: ResolvedConfig): number {
  const facts = datasetFacts(data.dataset);
  const { height, width } = data.resize ?? facts;
  const bytes = height * width * facts.channels;
  const training = BATCHES_AT_ONCE * Math.min(train.batch_size, facts.trainImages) * bytes;
  if (data.resize === null) return training; // images read from a file are evaluated where they were read to
  const evaluated = Math.max(facts.testImages, trainingSplit(data).validationImages);
  const resized = evaluated * bytes;
  const evaluating = BATCHES_AT_ONCE * Math.min(train.evaluation.batch_size, evaluated) * bytes;
  return training + (resized <= KEPT_TEST_BYTES && !isHeldOnDisk(data) ? resized : evaluating);
}

/** Everything that training changes, as a checkpoint holds it. */
function stateBytes({ config, graph }: Program): number {
  const elements = (shape: readonly number[]): number => shape.reduce((product, size) => product * size, 1);
  const { trained } = parameterGroups(config, graph);
  const slots = trained.flatMap(({ parameters, rule }) =>
    parameters.map(({ shape }) => elements(shape) * slotNames(rule).length),
  );
  const values = [...parametersOf(graph), ...statisticsOf(graph)].map(({ shape }) => elements(shape));
  return 4 * (sum(slots) + sum(values) * (averagesWeights(config.train) ? 2 : 1));
}

/**
 * Bytes that the wasm engine's heap surely stays within. Gradients are as large as what they are gradients of, optimizers
 * keep up to two slots and an average a parameter, and kernels unpack filters and tiles: the factors leave room for all
 * that. That the bound is never too low is held by a test against the planned heap.
 */
export function memoryBound({ config, graph, plan }: Program, threads: number): number {
  const { activationBytes, parameters } = cost(graph);
  const { batch_size: batch, evaluation } = config.train;
  const largest = Math.max(batch, Math.min(evaluation.batch_size, plan.testImages));
  return 16 * 1024 * 1024 * threads + 3 * activationBytes * largest + 256 * parameters + 80 * largestDenseFilter(graph);
}

/** Weights of the largest filter that may become a dense one while it is worked with: in groups other than of a channel, or dilated. */
function largestDenseFilter({ nodes }: ShapedGraph): number {
  const weights = nodes.map(({ op, inputs }) => {
    if (op.kind !== "conv2d") return 0;
    const { channels } = nodes[inputs[0]!]!.shape;
    const { groups = 1, dilation } = filterOf(op);
    const [height, width] = spanOf(op);
    const staysApart = groups === channels && groups === op.channels;
    return (groups === 1 && !dilation) || staysApart ? 0 : height * width * channels * op.channels;
  });
  return Math.max(...weights);
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
