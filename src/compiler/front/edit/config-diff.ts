// Two files compared by what they mean: the settings that differ with what set each, and what changes in the network.
import { cost } from "../../network/cost.js";
import { flow } from "../language/describe.js";
import type { LoadedConfig } from "../load-config.js";
import { originText, origins } from "./origins.js";
import type { ValueWithOrigin } from "./origins.js";
import type { Program } from "../../program.js";

/** `train.epochs: 16 → 164` with, below each, what set the two values. */
export function settingsDiff(a: LoadedConfig, b: LoadedConfig): string[] {
  const before = byPath(a);
  const after = byPath(b);
  const paths = [...new Set([...before.keys(), ...after.keys()])];
  return paths.flatMap((path) => {
    const [old, now] = [before.get(path), after.get(path)];
    if (old && now && old.value === now.value) return [];
    const describe = (loaded: LoadedConfig, found: ValueWithOrigin | undefined) =>
      found ? `${flow(found.value)} (${originText(loaded.file, found.span)})` : "absent";
    return [path, `  - ${describe(a, old)}`, `  + ${describe(b, now)}`];
  });
}

/** Totals that differ, and layers that one of the two networks does not have or has otherwise. */
export function networkDiff(a: Program, b: Program): string[] {
  const [before, after] = [cost(a.graph), cost(b.graph)];
  const totals = [
    ["parameters", before.parameters, after.parameters],
    ["multiply-adds", before.multiplyAdds, after.multiplyAdds],
    ["activation bytes an image", before.activationBytes, after.activationBytes],
    ["steps of training", a.plan.steps, b.plan.steps],
  ] as const;
  const layers = (program: Program) =>
    new Map(program.graph.nodes.map(({ name, op, shape }) => [`${name} ${op.kind}`, JSON.stringify({ op, shape })]));
  const [old, now] = [layers(a), layers(b)];
  const gone = [...old.keys()].filter((name) => !now.has(name));
  const added = [...now.keys()].filter((name) => !old.has(name));
  const changed = [...now.keys()].filter((name) => old.has(name) && old.get(name) !== now.get(name));
  return [
    ...totals.filter(([, from, to]) => from !== to).map(([name, from, to]) => `${name}: ${count(from)} → ${count(to)}`),
    ...listed("layers gone", gone),
    ...listed("layers added", added),
    ...listed("layers changed", changed),
  ];
}

function byPath(loaded: LoadedConfig): Map<string, ValueWithOrigin> {
  return new Map(origins(loaded).map((origin) => [origin.path.join("."), { ...origin, value: scalar(origin.value) }]));
}

/** Empty lists and maps stand for themselves. */
function scalar(value: unknown): unknown {
  return value !== null && typeof value === "object" ? flow(value) : value;
}

function listed(title: string, names: readonly string[]): string[] {
  if (names.length === 0) return [];
  const shown = names.slice(0, 8).map((name) => name.split(" ")[0]);
  return [`${title}: ${names.length} (${shown.join(", ")}${names.length > shown.length ? ", …" : ""})`];
}

function count(value: number): string {
  return value.toLocaleString("en-US");
}
