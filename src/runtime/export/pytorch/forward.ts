// A module's children → the statements of its `forward`: chains of calls on one line up to an activation or an addition.
import type { ShapedGraph } from "../../../compiler/network/graph.js";
import { layerRules } from "./layers.js";
import type { Group, Module } from "./modules.js";

export function forwardStatements(graph: ShapedGraph, group: Group): string[] {
  const statements: string[] = [];
  // What each node's value is called where it is needed: a variable, or an expression that is used once
  const values = new Map<number, Value>([[group.inputs[0], { text: "x", isVariable: true }]]);
  const remaining = usesOf(group);
  let branches = 0;

  group.children.forEach((child, place) => {
    const inputs = child.inputs.map((input) => values.get(input)!);
    for (const input of child.inputs) remaining.set(input, remaining.get(input)! - 1);
    const text = expressionOf(
      graph,
      child,
      inputs.map((input) => input.text),
    );
    const isLast = place === group.children.length - 1;
    if (isLast) {
      statements.push(`return ${text}`);
      return;
    }
    const uses = remaining.get(child.index) ?? 0;
    if (uses === 1 && !endsLine(child, group.children[place + 1])) {
      values.set(child.index, { text, isVariable: false });
      return;
    }
    const variable = freeVariable(inputs, remaining, values, () => `branch${branches++ || ""}`);
    statements.push(`${variable} = ${text}`);
    values.set(child.index, { text: variable, isVariable: true });
  });
  return statements;
}

interface Value {
  readonly text: string;
  readonly isVariable: boolean;
}

/** How often each node is taken by the children. */
function usesOf({ children }: Group): Map<number, number> {
  const uses = new Map<number, number>();
  for (const input of children.flatMap(({ inputs }) => inputs)) uses.set(input, (uses.get(input) ?? 0) + 1);
  return uses;
}

/** Lines end at activations, at additions, and where the next child does not go on from here. */
function endsLine(child: Module, next: Module | undefined): boolean {
  if (child.kind === "group") return !next?.inputs.includes(child.index);
  const { kind } = child.node.op;
  if (next && next.kind === "leaf" && isActivation(next) && next.inputs.includes(child.index)) return false;
  if (kind === "add" || isActivation(child)) return true;
  return !next?.inputs.includes(child.index);
}

function isActivation(module: Module): boolean {
  if (module.kind === "group" || module.node.op.kind === "global_average_pool") return false;
  return layerRules[module.node.op.kind].inSequence !== undefined;
}

/** The variable that is not needed any longer goes on; where all are, a new one. */
function freeVariable(
  inputs: readonly Value[],
  remaining: ReadonlyMap<number, number>,
  values: ReadonlyMap<number, Value>,
  fresh: () => string,
): string {
  const needed = new Set([...values].filter(([index]) => (remaining.get(index) ?? 0) > 0).map(([, { text }]) => text));
  const rest = inputs.filter(({ isVariable }) => isVariable).map(({ text }) => text);
  const variables =
    rest.length > 0 ? rest : [...new Set([...values.values()].filter((v) => v.isVariable).map((v) => v.text))];
  return variables.find((name) => !needed.has(name)) ?? fresh();
}

function expressionOf(graph: ShapedGraph, module: Module, inputs: readonly string[]): string {
  if (module.kind === "group") return `self.${module.name}(${inputs[0]})`;
  const rule = layerRules[module.node.op.kind] as (typeof layerRules)["conv2d"];
  if (!rule.module) return rule.expression!(module.node.op as never, inputs, graph, module.node);
  const isFlattened = module.node.op.kind === "linear" && graph.nodes[module.inputs[0]!]!.shape.kind === "map";
  const input = isFlattened ? `${inputs[0]}.flatten(1)` : inputs[0];
  return `self.${module.name}(${input})`;
}
