// A filter in groups, or of a dilated kernel, as the dense one that it equals, with zeros in it, for libraries that know no
// other; the way back; and what the zeros cost.
import type { Filter, ShapedGraph } from "../network/graph.js";
import { spanOf } from "../network/graph.js";
import type { NamedTensor } from "./pytorch-layout.js";

/** [kernel height, kernel width, inputs of a group, outputs] → [span height, span width, inputs, outputs]. */
export function denseFilter({ shape, data }: NamedTensor, filter: Filter): NamedTensor {
  const [, , inputs, outputs] = shape as readonly [number, number, number, number];
  const whole = [...spanOf(filter), inputs * (filter.groups ?? 1), outputs];
  const dense = new Float32Array(whole.reduce((product, size) => product * size, 1));
  placesIn(filter, inputs, outputs).forEach((place, at) => (dense[place] = data[at]!));
  return { shape: whole, data: dense };
}

/** What is not zeros of a dense filter. */
export function fromDenseFilter({ shape, data }: NamedTensor, filter: Filter): NamedTensor {
  const [, , channels, outputs] = shape as readonly [number, number, number, number];
  const inputs = channels / (filter.groups ?? 1);
  const places = placesIn(filter, inputs, outputs);
  return { shape: [...filter.kernel, inputs, outputs], data: Float32Array.from(places, (place) => data[place]!) };
}

/** Where each value of the filter is in the dense one. */
function placesIn(filter: Filter, inputs: number, outputs: number): number[] {
  const { kernel, dilation = [1, 1], groups = 1 } = filter;
  const [, span] = spanOf(filter);
  return Array.from({ length: kernel[0] * kernel[1] * inputs * outputs }, (_, at) => {
    const output = at % outputs;
    const input = Math.floor(at / outputs) % inputs;
    const tap = Math.floor(at / (outputs * inputs));
    const pixel = Math.floor(tap / kernel[1]) * dilation[0] * span + (tap % kernel[1]) * dilation[1];
    const group = Math.floor(output / (outputs / groups));
    return (pixel * inputs * groups + group * inputs + input) * outputs + output;
  });
}

export interface DensePrice {
  /** Nodes whose filters become dense. */
  readonly nodes: readonly string[];
  /** Weights of these, and multiply-adds for one image, as they are and as dense ones. */
  readonly weights: readonly [sparse: number, dense: number];
  readonly multiplyAdds: readonly [sparse: number, dense: number];
}

/** `keepsGroups` tells of which convolutions the filters of groups stay apart; dilation is zeros in all of them. */
export function densePrice(
  { nodes }: ShapedGraph,
  keepsGroups: (filter: Filter, inputs: number) => boolean,
): DensePrice {
  const [names, weights, multiplyAdds]: [string[], [number, number], [number, number]] = [[], [0, 0], [0, 0]];
  for (const { name, op, inputs: before, shape } of nodes) {
    if (op.kind !== "conv2d" || shape.kind !== "map") continue;
    const inputs = nodes[before[0]!]!.shape.channels;
    const groups = op.groups ?? 1;
    const area = (kernel: readonly [number, number]): number => kernel[0] * kernel[1] * inputs * op.channels;
    const counts = [area(op.kernel) / groups, area(spanOf(op)) / (keepsGroups(op, inputs) ? groups : 1)] as const;
    if (counts[0] === counts[1]) continue;
    names.push(name);
    counts.forEach((count, at) => {
      weights[at]! += count;
      multiplyAdds[at]! += count * shape.height * shape.width;
    });
  }
  return { nodes: names, weights, multiplyAdds };
}

/** In words, for who exports: undefined where nothing becomes dense. */
export function densePriceText({ nodes, weights, multiplyAdds }: DensePrice): string | undefined {
  const [first, ...others] = nodes;
  if (first === undefined) return undefined;
  const which = others.length === 0 ? first : `${first} and ${others.length} more`;
  const pair = ([sparse, dense]: readonly [number, number]): string =>
    `${dense.toLocaleString("en-US")} instead of ${sparse.toLocaleString("en-US")}`;
  return (
    `no stock layer has groups or every dilation, so the filters of ${which} are dense, with zeros in them: ` +
    `${pair(weights)} weights, ${pair(multiplyAdds)} multiply-adds an image; the logits are the same`
  );
}
