// Program and a phase of its training → the batch norms that keep their running statistics: those whose parameters are all frozen then.
import { parametersOf } from "../network/parameters.js";
import type { Program } from "../program.js";
import { rateIndexOf } from "./parameter-groups.js";
import { isFrozenIn } from "./training-phases.js";

/** Names of their nodes. */
export function frozenNorms({ config, graph, plan }: Program, phase: number): ReadonlySet<string> {
  const norms = new Map<string, boolean>();
  for (const parameter of parametersOf(graph)) {
    const { op, name } = graph.nodes[parameter.node]!;
    if (op.kind !== "batch_norm") continue;
    const rateIndex = rateIndexOf(config, parameter);
    const isFrozen =
      isFrozenIn(plan, rateIndex, phase) && config.train.groups[rateIndex - 1]?.frozen_norms === "running";
    norms.set(name, isFrozen && norms.get(name) !== false);
  }
  return new Set([...norms].flatMap(([name, isFrozen]) => (isFrozen ? [name] : [])));
}
