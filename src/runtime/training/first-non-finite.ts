// State → the name of the first tensor that holds NaN or infinity: where to look when a loss is no number any more.
import type { ShapedGraph } from "../../compiler/network/graph.js";
import { parametersOf, statisticsOf } from "../../compiler/network/parameters.js";
import type { State } from "../engines/engine.js";

/** The first such tensor in the order of the network, its parameters and statistics before optimizer slots. */
export function firstNonFinite(graph: ShapedGraph, state: State): string | undefined {
  const inNetworkOrder = [...parametersOf(graph), ...statisticsOf(graph)]
    .sort((one, other) => one.node - other.node)
    .map(({ name }) => name);
  const names = new Set([...inNetworkOrder, ...state.keys()]);
  return [...names].find((name) => !isFinite(state.get(name)?.data ?? new Float32Array()));
}

function isFinite(data: Float32Array): boolean {
  for (let index = 0; index < data.length; index++) {
    if (!Number.isFinite(data[index])) return false;
  }
  return true;
}
