// Where residual branches end in a norm: what `zero_last_norm` starts at zero, and what checks of it look at.
import type { Graph } from "./graph.js";
import { isActivation } from "./activations.js";

/** The node of each norm whose output, activations aside, is the branch of an addition → the activations between, last first. */
export function lastNorms({ nodes }: Graph): Map<number, readonly number[]> {
  const found = new Map<number, readonly number[]>();
  for (const { op, inputs } of nodes) {
    if (op.kind !== "add") continue;
    const between: number[] = [];
    let index = inputs[0]!; // the branch comes first, the shortcut second
    for (; isActivation(nodes[index]!.op); index = nodes[index]!.inputs[0]!) between.push(index);
    if (nodes[index]!.op.kind === "batch_norm") found.set(index, between);
  }
  return found;
}
