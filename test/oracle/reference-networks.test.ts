// The networks that come with netc are those of torchvision and timm: the same tensors under names that a table leads to, and for
// some the same logits, loss and gradients, as write_reference_networks.py computed them in float64.
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { compileText } from "../../src/compiler/compile.js";
import { parametersOf, statisticsOf } from "../../src/compiler/network/parameters.js";
import type { Program } from "../../src/compiler/program.js";
import { referenceName, references } from "../../src/compiler/targets/reference-names.js";
import { wasmEngine } from "../../src/runtime/engines/wasm/engine.js";
import type { State } from "../../src/runtime/engines/engine.js";
import { placeOfPreset } from "../../src/runtime/source/presets.js";
import { readBase } from "../../src/runtime/source/read-base.js";
import { readFixture } from "./fixtures.js";

interface NetworkRecord {
  readonly model: string;
  readonly parameters: number;
  /** SHA-256 of a line for each tensor, its name and sizes. */
  readonly tensors: string;
  /** The largest absolute logit. */
  readonly largest?: number;
  /** Every 97th. */
  readonly logits?: readonly number[];
  /** How far PyTorch's own float32 is from them at most, as a share of the largest. */
  readonly logits32?: number;
  readonly loss?: number;
  /** Their norms. */
  readonly gradients?: Readonly<Record<string, number>>;
  /** How far those of PyTorch's float32 are from them at most, as a share. */
  readonly gradients32?: number;
}

interface Recorded {
  readonly count: number;
  readonly size: number;
  readonly networks: Readonly<Record<string, NetworkRecord>>;
}

const { count, size, networks } = readFixture<Recorded>("reference-networks.json", "write_reference_networks.py");
const records = Object.entries(networks);
const classes = 1000;

it("has a name for the tensors of each", () => {
  expect(Object.keys(references).toSorted()).toEqual(Object.keys(networks).toSorted());
});

it.each(records)("%s has the tensors of its reference, under its names", (preset, { model, parameters, tensors }) => {
  const program = programOf(preset);
  const all = [...parametersOf(program.graph), ...statisticsOf(program.graph)];
  const lines = all.map(({ name, shape }) => {
    const sizes = referenceShape(shape).filter((length) => length !== 1);
    return `${referenceName(preset, name)} ${sizes.join("x")}`;
  });
  const digest = createHash("sha256").update(lines.toSorted().join("\n")).digest("hex");
  expect(references[preset]!.model).toBe(model);
  expect(parametersOf(program.graph).reduce((sum, { shape }) => sum + elementsOf(shape), 0)).toBe(parameters);
  expect(digest).toBe(tensors);
});

describe.each(records.filter(([, { logits }]) => logits))("%s", (preset, record) => {
  it("yields its reference's logits, and in training its loss and gradients", { timeout: 120_000 }, async () => {
    const program = programOf(preset);
    const session = await wasmEngine.open(program, { threads: 2 });
    const state = stateOf(preset, program);
    await session.writeState(state);
    const images = Uint8Array.from(uniform(0, count * size * size * 3), (value) => Math.floor(value * 256));
    const labels = Int32Array.from({ length: count }, (_, index) => (index * 7) % classes);
    const { logits } = await session.evaluate({ count, images, labels });
    const off = record.logits!.map((logit, index) => {
      const [image, place] = [Math.floor(index / Math.ceil(classes / 97)), index % Math.ceil(classes / 97)];
      return Math.abs(logits[image * classes + place * 97]! - logit);
    });
    // Rounding of float32 over fifty layers; where PyTorch's own is further off, no more than twice as far
    expect(Math.max(...off) / record.largest!).toBeLessThan(Math.max(1e-5, 2 * record.logits32!));
    const { loss } = await session.step({ count, images, labels }, { learningRate: 1, step: 1 });
    expect(Math.abs(loss / record.loss! - 1)).toBeLessThan(1e-4);
    const after = await session.readState();
    await session.dispose();
    for (const { name } of parametersOf(program.graph)) {
      const [before, now] = [state.get(name)!.data, after.get(name)!.data];
      const norm = Math.hypot(...chunked(before, now));
      const expected = record.gradients![referenceName(preset, name)]!;
      // ReLUs that are on or off by a hair make much of rounding: PyTorch's float32 is as far from float64
      expect(Math.abs(norm - expected), `${name}: ${norm}, ${expected}`).toBeLessThan(
        2 * record.gradients32! * expected + 1e-5,
      );
    }
  });
});

/** On images of the size that was recorded, by plain SGD: what a step takes off a weight is its gradient. */
function programOf(preset: string): Program {
  const path = placeOfPreset(preset);
  const data = `data.dataset={synthetic: {train_images: 64, test_images: 8, height: ${size}, width: ${size}, classes: ${classes}}}`;
  const plain = "train.optimizer={sgd: {momentum: 0, nesterov: false, weight_decay: 0}}";
  const overrides = [
    data,
    "data.normalize={mean: 0.5, std: 0.25}",
    `train.batch_size=${count}`,
    "train.accumulate=1",
    plain,
  ];
  // What is drawn at random is another matter
  const text = readFileSync(path, "utf8").replaceAll(/\b(dropout|drop): 0\.\d/g, "$1: 0");
  const { value, diagnostics } = compileText(text, path, {
    readBase,
    overrides: [...overrides, "train.loss.cross_entropy.label_smoothing=0"],
  });
  expect(diagnostics.filter(({ severity }) => severity === "error")).toEqual([]);
  return value!;
}

/** Tensors by the script's formula, which counts them in the order of the reference's names. */
function stateOf(preset: string, { graph }: Program): State {
  const tensors = [...parametersOf(graph), ...statisticsOf(graph)];
  const known = tensors.map(({ name, shape }) => ({ name, shape, reference: referenceName(preset, name) }));
  known.sort((one, other) => (one.reference < other.reference ? -1 : 1));
  return new Map(
    known.map(({ name, shape, reference }, index) => {
      const sizes = referenceShape(shape);
      const drawn = Float64Array.from(uniform(index + 1, elementsOf(shape)));
      const bound = Math.sqrt(6 / sizes.slice(1).reduce((product, length) => product * length, 1));
      const isScale = reference.endsWith(".weight") || reference.endsWith("running_var");
      const values = drawn.map((value) =>
        sizes.length > 1 ? (2 * value - 1) * bound : isScale ? 0.75 + value / 2 : (value - 0.5) / 5,
      );
      return [name, { shape, data: fromReference(values, shape) }] as const;
    }),
  );
}

/** Numbers from 0 to 1 by a hash of key and place (the finaliser of MurmurHash3). */
function uniform(key: number, length: number): Float64Array {
  return Float64Array.from({ length }, (_, index) => {
    let x = (index + key * 1_000_003) | 0;
    x = Math.imul(x ^ (x >>> 16), 0x85ebca6b);
    x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
    return ((x ^ (x >>> 16)) >>> 0) / 2 ** 32;
  });
}

/** [outputs, inputs, height, width], [outputs, inputs] or as it is. */
function referenceShape(shape: readonly number[]): readonly number[] {
  if (shape.length === 4) return [shape[3]!, shape[2]!, shape[0]!, shape[1]!];
  return shape.length === 2 ? [shape[1]!, shape[0]!] : shape;
}

function fromReference(values: Float64Array, shape: readonly number[]): Float32Array {
  if (shape.length === 1) return Float32Array.from(values);
  const [inputs, outputs] = shape.slice(-2) as [number, number];
  const area = shape.length === 4 ? shape[0]! * shape[1]! : 1;
  const data = new Float32Array(values.length);
  for (let output = 0; output < outputs; output++) {
    for (let input = 0; input < inputs; input++) {
      for (let tap = 0; tap < area; tap++) {
        data[(tap * inputs + input) * outputs + output] = values[(output * inputs + input) * area + tap]!;
      }
    }
  }
  return data;
}

function elementsOf(shape: readonly number[]): number {
  return shape.reduce((product, length) => product * length, 1);
}

/** Norms of parts of the difference: an argument each, which a call takes only so many of. */
function chunked(before: Float32Array, now: Float32Array): number[] {
  const norms: number[] = [];
  for (let start = 0; start < before.length; start += 4096) {
    let sum = 0;
    for (let index = start; index < Math.min(before.length, start + 4096); index++)
      sum += (before[index]! - now[index]!) ** 2;
    norms.push(Math.sqrt(sum));
  }
  return norms;
}
