// `layer_decay` → groups of parameters, one for each layer from the stem to the head, whose rates fall with the distance from the
// top. What is left is a configuration of groups alone, which everything else knows: engines, exports, runs that go on.
import type { GroupConfig, ResolvedConfig } from "../config.js";
import type { ShapedGraph } from "../network/graph.js";
import type { Parameter } from "../network/parameters.js";
import { parametersOf } from "../network/parameters.js";
import { isInGroup, isWhitening, rateIndexOf } from "./parameter-groups.js";

/**
 * The rate of a layer is multiplied by decay^(distance from the top). The stem is the lowest layer, each block is one, what comes
 * before a stage's blocks belongs to the first of them, and the head with the classifier is the highest: Bao et al. 2021 (arXiv
 * 2106.08254), appendix, and timm's `param_groups_layer_decay`.
 */
export function expandLayerDecay(config: ResolvedConfig, graph: ShapedGraph): ResolvedConfig {
  const { layer_decay: decay } = config.train;
  if (decay === null) return config;
  const parameters = parametersOf(graph).filter((parameter) => !isWhitening(config, parameter));
  const layers = layersOf(parameters);
  const { groups } = config.train;
  const split = [...groups, REST].flatMap((group, index) => {
    // A parameter is in the first group that it fits
    const own = parameters.filter((parameter) => rateIndexOf(config, parameter) === (index + 1) % (groups.length + 1));
    if (group.epochs === 0 || own.length === 0) return group === REST ? [] : [group];
    const parts = layers.map((prefixes, depth): GroupConfig => {
      const factor = group.rate_factor * decay ** (layers.length - 1 - depth);
      return { ...group, layers: common(group.layers, prefixes), rate_factor: Number(factor.toPrecision(12)) };
    });
    return parts
      .filter((part) => part.layers.length > 0 && own.some((parameter) => isInGroup(part, parameter)))
      .reverse(); // the highest rates first
  });
  return { ...config, train: { ...config.train, layer_decay: null, groups: split } };
}

/** The parameters in no group of the file: trained as `train` says. */
const REST: GroupConfig = {
  roles: [],
  layers: [],
  optimizer: null,
  learning_rate: null,
  rate_factor: 1,
  weight_decay: null,
  from_epoch: 0,
  epochs: null,
  frozen_norms: "running",
};

/** The beginnings of the names of each layer's parameters, from the stem to the head. */
function layersOf(parameters: readonly Parameter[]): string[][] {
  const layers = new Map<string, Set<string>>();
  for (const { name } of parameters) {
    const [stage, block] = [/^stages\.\d+/.exec(name)?.[0], /^stages\.\d+\.blocks\.\d+/.exec(name)?.[0]];
    const part = block ?? (stage && /^stages\.\d+\.[^.]+/.exec(name)![0]) ?? name.slice(0, name.indexOf("."));
    const layer = block ?? (stage ? `${stage}.blocks.0` : part === "stem" ? part : "head");
    layers.set(layer, (layers.get(layer) ?? new Set()).add(part));
  }
  return [...layers.values()].map((parts) => [...parts]);
}

/** The layers that are below one of each list; an empty list is of all layers. */
function common(asked: readonly string[], prefixes: readonly string[]): string[] {
  if (asked.length === 0) return [...prefixes];
  const isWithin = (one: string, other: string): boolean => one === other || one.startsWith(`${other}.`);
  return [
    ...prefixes.filter((prefix) => asked.some((layer) => isWithin(prefix, layer))),
    ...asked.filter((layer) => prefixes.some((prefix) => layer !== prefix && isWithin(layer, prefix))),
  ];
}
