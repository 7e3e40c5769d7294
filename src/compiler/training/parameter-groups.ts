// ResolvedConfig and ShapedGraph → which parameters are updated together, by which rule and rate, and which never.
import { whiteningStem } from "../network/whitening-stem.js";
import type { GroupConfig, OptimizerConfig, ResolvedConfig } from "../config.js";
import type { ShapedGraph } from "../network/graph.js";
import type { Parameter } from "../network/parameters.js";
import { parametersOf } from "../network/parameters.js";
import type { UpdateRule } from "./update-rule.js";
import { updateRule } from "./update-rule.js";

/** Parameters with one rule and one rate. */
export interface ParameterGroup {
  /** Index into `plan.groups` and into the rates of a step: 0 is the training's own, then those of `train.groups`. */
  readonly rateIndex: number;
  readonly rule: UpdateRule;
  /** In graph order. */
  readonly parameters: readonly Parameter[];
}

export interface ParameterGroups {
  readonly trained: readonly ParameterGroup[];
  /** Parameters that no step changes: filters that whiten. */
  readonly frozen: readonly Parameter[];
}

export function parameterGroups(config: ResolvedConfig, graph: ShapedGraph): ParameterGroups {
  const groups: { rateIndex: number; rule: UpdateRule; parameters: Parameter[] }[] = [];
  const frozen: Parameter[] = [];
  for (const parameter of parametersOf(graph)) {
    if (isWhitening(config, parameter)) {
      frozen.push(parameter);
      continue;
    }
    const rateIndex = rateIndexOf(config, parameter);
    const rule = ruleOf(config, rateIndex, parameter);
    const found = groups.find((group) => group.rateIndex === rateIndex && group.rule.weightDecay === rule.weightDecay);
    if (found) found.parameters.push(parameter);
    else groups.push({ rateIndex, rule, parameters: [parameter] });
  }
  return { trained: groups.sort((one, other) => one.rateIndex - other.rateIndex), frozen };
}

/** Whether these are filters that are computed from the training images. */
export function isWhitening({ model }: ResolvedConfig, { name, role }: Parameter): boolean {
  return whiteningStem(model) !== undefined && role === "conv_weight" && name === "stem.conv.weight";
}

export function isInGroup({ roles, layers }: GroupConfig, { name, role }: Parameter): boolean {
  const isOfRole = roles.length === 0 || roles.includes(role);
  return isOfRole && (layers.length === 0 || layers.some((layer) => name.startsWith(`${layer}.`)));
}

/** The optimizer of a group, by its index in the rates. */
export function optimizerOf({ train }: Pick<ResolvedConfig, "train">, rateIndex: number): OptimizerConfig {
  return (rateIndex > 0 ? train.groups[rateIndex - 1]!.optimizer : null) ?? train.optimizer;
}

/** 0 where the parameter is in none of the file's groups. */
export function rateIndexOf({ train }: ResolvedConfig, parameter: Parameter): number {
  return train.groups.findIndex((group) => isInGroup(group, parameter)) + 1;
}

function ruleOf(config: ResolvedConfig, rateIndex: number, { role }: Parameter): UpdateRule {
  const optimizer = optimizerOf(config, rateIndex);
  const asked = rateIndex > 0 ? config.train.groups[rateIndex - 1]!.weight_decay : null;
  if (asked !== null) return updateRule(optimizer, asked);
  const settings = Object.values(optimizer)[0] as { weight_decay: number; decay_norm_and_bias?: boolean };
  const isWeight = role === "conv_weight" || role === "linear_weight";
  return updateRule(optimizer, isWeight || settings.decay_norm_and_bias !== false ? settings.weight_decay : 0);
}
