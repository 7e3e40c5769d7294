// ShapedGraph → the State that training starts from. Every tensor is drawn from a stream of its own, so adding a layer
// at the end of a network leaves the weights before it as they were.
import type { InitializationConfig, ResolvedConfig } from "../compiler/config.js";
import type { ShapedGraph } from "../compiler/graph.js";
import { isActivation } from "../compiler/graph.js";
import type { Parameter, ParameterRole } from "../compiler/parameters.js";
import { parametersOf, statisticsOf } from "../compiler/parameters.js";
import { averageName, averagesWeights } from "../compiler/weight-average.js";
import type { State } from "./engine.js";
import type { RandomStream } from "./random/random-stream.js";
import { randomStream } from "./random/random-stream.js";
import { whiteningFilters } from "./whitening.js";

/** Parameters, running statistics, and where averages are kept their first values, which are equal; optimizer slots are the engine's and start at zero. */
export function initialize(graph: ShapedGraph, { seed, train }: ResolvedConfig): State {
  const { initialization } = train;
  const silenced = initialization.zero_last_norm ? lastNorms(graph) : new Set<number>();
  const state = new Map<string, { shape: readonly number[]; data: Float32Array }>();
  parametersOf(graph).forEach((parameter, index) => {
    const data = new Float32Array(parameter.shape.reduce((product, size) => product * size, 1));
    const stream = randomStream({ seed, purpose: "initialization", epoch: 0, index });
    if (!(parameter.role === "norm_scale" && silenced.has(parameter.node))) {
      fillers[parameter.role](data, parameter, initialization, stream);
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

/** The same, and what is computed from training images: filters that whiten. */
export function initializeFromImages(
  graph: ShapedGraph,
  config: ResolvedConfig,
  plainImages: (count: number) => Uint8Array,
): State {
  const state = new Map(initialize(graph, config));
  const { input, stem } = config.model;
  if (stem.whitening === null) return state;
  const { images: count } = stem.whitening;
  const images = { count, images: plainImages(count), ...input };
  const data = whiteningFilters(images, config.data.normalize, stem.kernel, stem.whitening);
  for (const name of ["stem.conv.weight", averageName("stem.conv.weight")]) {
    const tensor = state.get(name);
    if (tensor) state.set(name, { ...tensor, data });
  }
  return state;
}

type Filler = (
  data: Float32Array,
  parameter: Parameter,
  initialization: InitializationConfig,
  stream: RandomStream,
) => void;

const fillWeights: Filler = (data, parameter, { weights }, stream) => {
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
  norm_scale: (data) => data.fill(1),
  norm_shift: () => {},
};

type Distribution = (parameter: Parameter, stream: RandomStream) => () => number;

// Variances: He et al. 2015, arXiv 1502.01852, eq. 10 (2 / fan in, the gain of ReLU); Glorot and Bengio 2010, eq. 12
// (2 / (fan in + fan out)). A uniform distribution on ±b has variance b² / 3.
const distributions: Readonly<Record<InitializationConfig["weights"], Distribution>> = {
  kaiming_normal: ({ fanIn }, stream) => normal(Math.sqrt(2 / fanIn), stream),
  kaiming_uniform: ({ fanIn }, stream) => uniform(Math.sqrt(6 / fanIn), stream),
  xavier_normal: ({ fanIn, fanOut }, stream) => normal(Math.sqrt(2 / (fanIn + fanOut)), stream),
  xavier_uniform: ({ fanIn, fanOut }, stream) => uniform(Math.sqrt(6 / (fanIn + fanOut)), stream),
};

function normal(deviation: number, stream: RandomStream): () => number {
  return () => deviation * stream.normal();
}

function uniform(bound: number, stream: RandomStream): () => number {
  return () => bound * (2 * stream.uniform() - 1);
}

/** Nodes of the norms whose output, activation aside, is the branch that a residual addition adds to its shortcut. */
function lastNorms(graph: ShapedGraph): Set<number> {
  const found = new Set<number>();
  for (const { op, inputs } of graph.nodes) {
    if (op.kind !== "add") continue;
    let index = inputs[0]!; // the branch comes first, the shortcut second
    while (isActivation(graph.nodes[index]!.op)) index = graph.nodes[index]!.inputs[0]!;
    if (graph.nodes[index]!.op.kind === "batch_norm") found.add(index);
  }
  return found;
}
