// Norms of an image by itself, learned scales and what drops elements, as TensorFlow operations.
import { keptFactor, keptFrom } from "../../training/dropping.js";
import type { FlatOp, TensorId } from "../step/training-graph.js";
import type { Emission } from "./emission.js";
import { FLOAT } from "./emission.js";
import type { Output } from "./tensorflow-graph.js";
import { lanesOf } from "../placement/layout.js";

export const normRules = {
  channel_norm(emission: Emission, op: FlatOp<"channel_norm">): void {
    const { hat } = normalized(emission, op);
    const scaled = emission.multiply(emission.reshape(hat, emission.dims(op.input)), emission.get(op.scale));
    emission.set(op.output, emission.add(scaled, emission.get(op.shift)));
  },

  channel_norm_gradient(emission: Emission, op: FlatOp<"channel_norm_gradient">): void {
    const { hat, reciprocal, average, apart } = normalized(emission, op);
    const above = emission.get(op.outputGradient);
    const d = apart(emission.multiply(above, emission.get(op.scale)));
    const slope = emission.multiply(hat, average(emission.multiply(d, hat)));
    const gradient = emission.multiply(emission.subtract(emission.subtract(d, average(d)), slope), reciprocal);
    const dims = emission.dims(op.input);
    emission.set(op.inputGradient, emission.reshape(gradient, dims));
    const product = emission.multiply(above, emission.reshape(hat, dims));
    if (op.scaleGradient !== null) emission.set(op.scaleGradient, overPixels(emission, product));
    if (op.shiftGradient !== null) emission.set(op.shiftGradient, overPixels(emission, above));
  },

  learned_scale(emission: Emission, { input, weight, output }: FlatOp<"learned_scale">): void {
    emission.set(output, emission.multiply(emission.get(input), emission.get(weight)));
  },

  learned_scale_gradient(emission: Emission, op: FlatOp<"learned_scale_gradient">): void {
    const above = emission.get(op.outputGradient);
    const weight = emission.get(op.weight);
    emission.set(op.inputGradient, emission.multiply(above, weight));
    if (op.weightGradient === null) return;
    const channels = overPixels(emission, emission.multiply(above, emission.get(op.input)));
    const isOne = weight.shape.join() === "1";
    emission.set(op.weightGradient, isOne ? sum(emission, channels, [0], [1]) : channels);
  },

  /** The words that are drawn are those of the other engines, for which channels are padded to whole vectors. */
  drop(emission: Emission, { input, output, rate, perImage, node }: FlatOp<"drop">): void {
    const { graph } = emission;
    const x = emission.get(input);
    const [n, height, width, channels] = emission.dims(output);
    const drawn = perImage ? [n, 1, 1, 1] : [n, height, width, lanesOf(channels)];
    const words = draw(emission, node, drawn);
    const kept = [n, ...(perImage ? [1, 1, 1] : [height, width, channels])];
    const slices = [words, graph.integers([0, 0, 0, 0]), graph.integers(kept)];
    const own = graph.one("Slice", slices, { T: { type: "int32" }, Index: { type: "int32" } }, kept, { type: "int32" });
    const bound = graph.constant(Int32Array.of(keptFrom(rate)), []);
    const mask = graph.one("GreaterEqual", [own, bound], { T: { type: "int32" } }, kept, { type: "bool" });
    const floats = graph.one("Cast", [mask], { SrcT: { type: "bool" }, DstT: { type: "float" } }, kept);
    emission.set(output, emission.multiply(emission.multiply(x, graph.float(keptFactor(rate))), floats));
  },
};

/** x̂, and what its gradient needs: `average` is over what is normalised together, `apart` brings a map into that form. */
function normalized(
  emission: Emission,
  { input, groups, eps }: { readonly input: TensorId; readonly groups: number | null; readonly eps: number },
) {
  const { graph } = emission;
  const [n, height, width, channels] = emission.dims(input);
  const axes = groups === null ? [3] : [1, 3];
  const shape = groups === null ? [n, height, width, channels] : [n, height * width, groups, channels / groups];
  const apart = (map: Output): Output => emission.reshape(map, shape);
  const averaged = shape.map((size, axis) => (axes.includes(axis) ? 1 : size));
  const attributes = { ...FLOAT, Tidx: { type: "int32" }, keep_dims: { bool: true } } as const;
  const average = (map: Output): Output => graph.one("Mean", [map, graph.integers(axes)], attributes, averaged);
  const x = apart(emission.get(input));
  const centred = emission.subtract(x, average(x));
  const variance = average(graph.one("Square", [centred], FLOAT, shape));
  const reciprocal = graph.one("Rsqrt", [emission.add(variance, graph.float(eps))], FLOAT, averaged);
  return { hat: emission.multiply(centred, reciprocal), reciprocal, average, apart };
}

/** Sums a channel over images and pixels. */
function overPixels(emission: Emission, map: Output): Output {
  return sum(emission, map, [0, 1, 2], [map.shape.at(-1)!]);
}

function sum({ graph }: Emission, value: Output, axes: readonly number[], shape: readonly number[]): Output {
  const attributes = {
    ...FLOAT,
    Tidx: { type: "int32" },
    keep_dims: { bool: shape.length === value.shape.length },
  } as const;
  return graph.one("Sum", [value, graph.integers(axes)], attributes, shape);
}

/** Philox words as signed integers: TensorFlow's own generator has the same from the same key and counter. */
function draw(emission: Emission, node: number, shape: readonly number[]): Output {
  const { graph } = emission;
  const asWords = (value: Output, count: number): Output =>
    graph.one("Bitcast", [value], { T: { type: "int32" }, type: { type: "uint64" } }, [count], { type: "uint64" });
  const seed = Int32Array.of(emission.seed | 0, Math.floor(emission.seed / 2 ** 32) | 0);
  const key = asWords(graph.constant(seed, [1, 2]), 1);
  const parts = [
    graph.constant(Int32Array.of(0, node), [1, 2]),
    emission.batchInput("draws"),
    graph.constant(Int32Array.of(0), []),
  ];
  const concatenation = { T: { type: "int32" }, N: { int: 2 }, Tidx: { type: "int32" } } as const;
  const counter = asWords(graph.one("ConcatV2", parts, concatenation, [2, 2], { type: "int32" }), 2);
  const operands = [graph.integers(shape), key, counter, graph.constant(Int32Array.of(PHILOX), [])];
  const attributes = { dtype: { type: "int32" }, Tshape: { type: "int32" } } as const;
  return graph.one("StatelessRandomUniformFullIntV2", operands, attributes, shape, { type: "int32" });
}

/** Of tensorflow/core/framework/rng_alg.h. */
const PHILOX = 1;
