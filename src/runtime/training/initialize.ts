// ShapedGraph → the State that training starts from. Every tensor is drawn from a stream of its own, so adding a layer
// at the end of a network leaves the weights before it as they were.
import type { InitializationConfig, ResolvedConfig } from "../../compiler/config.js";
import type { Op, ShapedGraph } from "../../compiler/network/graph.js";
import { lastNorms } from "../../compiler/network/last-norms.js";
import type { Parameter, ParameterRole } from "../../compiler/network/parameters.js";
import { parametersOf, statisticsOf } from "../../compiler/network/parameters.js";
import { whiteningStem } from "../../compiler/network/whitening-stem.js";
import { averageName, averagesWeights } from "../../compiler/training/weight-average.js";
import type { PlainImages, State } from "../engines/engine.js";
import { orthonormalize } from "./orthonormalize.js";
import type { RandomStream } from "../random/random-stream.js";
import { randomStream } from "../random/random-stream.js";
import { whiteningFilters } from "./whitening.js";

/** Parameters, running statistics, and where averages are kept their first values, which are equal; optimizer slots are the engine's and start at zero. */
export function initialize(graph: ShapedGraph, { seed, train }: ResolvedConfig): State {
  const { initialization } = train;
  const silenced = initialization.zero_last_norm ? lastNorms(graph) : new Map<number, unknown>();
  const state = new Map<string, { shape: readonly number[]; data: Float32Array }>();
  parametersOf(graph).forEach((parameter, index) => {
    const data = new Float32Array(parameter.shape.reduce((product, size) => product * size, 1));
    const stream = randomStream({ seed, purpose: "initialization", epoch: 0, index });
    if (!(parameter.role === "norm_scale" && silenced.has(parameter.node))) {
      fillers[parameter.role](data, parameter, initialization, stream, graph.nodes[parameter.node]!.op);
    }
    if (initialization.dirac && startsAsIdentity(graph, parameter)) {
      const { op } = graph.nodes[parameter.node]!;
      setIdentity(data, parameter.shape, op.kind === "conv2d" ? (op.groups ?? 1) : 1);
    }
    state.set(parameter.name, { shape: parameter.shape, data });
  });
  for (const { name, role, shape } of statisticsOf(graph)) {
    state.set(name, {
      shape,
      data: new Float32Array(shape[0]).fill(role === "running_var" ? 1 : 0),
    });
  }
  if (averagesWeights(train)) for (const [name, tensor] of [...state]) state.set(averageName(name), tensor);
  return state;
}

/** What is computed from training images in place of being drawn: filters that whiten, where the network has them. */
export function stateFromImages({ model, data: { normalize }, train }: ResolvedConfig, images: PlainImages): State {
  const { input } = model;
  const stem = whiteningStem(model);
  if (!stem) return new Map();
  const { images: count } = stem.whitening;
  const { kernel, channels } = stem;
  const training = { count, images: images(count), ...input };
  const data = whiteningFilters(training, normalize, kernel, stem.whitening);
  const filters = { shape: [kernel, kernel, input.channels, channels], data };
  const name = "stem.conv.weight";
  return new Map([name, ...(averagesWeights(train) ? [averageName(name)] : [])].map((each) => [each, filters]));
}

type Filler = (
  data: Float32Array,
  parameter: Parameter,
  initialization: InitializationConfig,
  stream: RandomStream,
  op: Op,
) => void;

const fillWeights: Filler = (data, parameter, { weights }, stream) => {
  if (weights === "orthogonal") return fillOrthogonal(data, parameter.shape.at(-1)!, stream);
  const draw = distributions[weights](parameter, stream);
  for (let index = 0; index < data.length; index++) data[index] = draw();
};

const fillers: Readonly<Record<ParameterRole, Filler>> = {
  conv_weight: fillWeights,
  linear_weight: fillWeights,
  bias: (data, { fanIn }, { bias }, stream) => {
    if (bias === "zero") return;
    const draw = uniform(1 / Math.sqrt(fanIn), stream);
    for (let index = 0; index < data.length; index++) data[index] = draw();
  },
  norm_scale: (data, _, __, ___, op) => data.fill(op.kind === "learned_scale" ? op.initial : 1),
  norm_shift: () => {},
};

type Distribution = (parameter: Parameter, stream: RandomStream) => () => number;

// Variances: He et al. 2015, arXiv 1502.01852, eq. 10 (2 / fan in, the gain of ReLU); Glorot and Bengio 2010, eq. 12
// (2 / (fan in + fan out)). A uniform distribution on ±b has variance b² / 3.
const distributions: Readonly<Record<Exclude<InitializationConfig["weights"], "orthogonal">, Distribution>> = {
  kaiming_normal: ({ fanIn }, stream) => normal(Math.sqrt(2 / fanIn), stream),
  kaiming_uniform: ({ fanIn }, stream) => uniform(Math.sqrt(6 / fanIn), stream),
  kaiming_truncated: ({ fanIn }, stream) => truncatedNormal(Math.sqrt(2 / fanIn), stream),
  xavier_normal: ({ fanIn, fanOut }, stream) => normal(Math.sqrt(2 / (fanIn + fanOut)), stream),
  xavier_uniform: ({ fanIn, fanOut }, stream) => uniform(Math.sqrt(6 / (fanIn + fanOut)), stream),
  uniform_fan_in: ({ fanIn }, stream) => uniform(1 / Math.sqrt(fanIn), stream),
};

function normal(deviation: number, stream: RandomStream): () => number {
  return () => deviation * stream.normal();
}

/** Deviation of the standard normal distribution between −2 and 2: √(1 − 4 φ(2) / (2 Φ(2) − 1)), as in Keras's VarianceScaling. */
const DEVIATION_WITHIN_TWO = 0.87962566103423978;

/** Cut off at two deviations of the distribution that is cut; what is left has the deviation that is asked for. */
function truncatedNormal(deviation: number, stream: RandomStream): () => number {
  return () => {
    for (;;) {
      const value = stream.normal();
      if (Math.abs(value) <= 2) return (deviation / DEVIATION_WITHIN_TWO) * value;
    }
  };
}

/** [..., outputs] as a matrix of inputs × outputs: orthonormal columns, or where outputs are more, rows. */
function fillOrthogonal(data: Float32Array, outputs: number, stream: RandomStream): void {
  const inputs = data.length / outputs;
  const [length, count] = [Math.max(inputs, outputs), Math.min(inputs, outputs)];
  const vectors = Array.from({ length: count }, () => Float64Array.from({ length }, () => stream.normal()));
  orthonormalize(vectors);
  for (let input = 0; input < inputs; input++) {
    for (let output = 0; output < outputs; output++) {
      data[input * outputs + output] = inputs >= outputs ? vectors[output]![input]! : vectors[input]![output]!;
    }
  }
}

/** Whether `dirac` reaches it: filters larger than 1×1, but for those that read the images. */
function startsAsIdentity(graph: ShapedGraph, { role, node, shape }: Parameter): boolean {
  return role === "conv_weight" && shape[0]! * shape[1]! > 1 && graph.nodes[node]!.inputs[0] !== 0;
}

/**
 * Output i of each group's first outputs is its input i, as torch.nn.init.dirac_ has it once it is told of the groups: [kernel height, kernel width, inputs of
 * a group, outputs].
 */
function setIdentity(data: Float32Array, shape: readonly number[], groups: number): void {
  const [height, width, inputs, outputs] = shape as [number, number, number, number];
  const identical = Math.min(inputs, outputs / groups);
  const centre = Math.floor(height / 2) * width + Math.floor(width / 2);
  for (let tap = 0; tap < height * width; tap++) {
    for (let input = 0; input < inputs; input++) {
      for (let group = 0; group < groups; group++) {
        const row = (tap * inputs + input) * outputs + group * (outputs / groups);
        data.fill(0, row, row + identical);
        if (tap === centre && input < identical) data[row + input] = 1;
      }
    }
  }
}

function uniform(bound: number, stream: RandomStream): () => number {
  return () => bound * (2 * stream.uniform() - 1);
}
