// Rules about parameters that are trained otherwise than the rest: groups that fit none, and optimizers on the wrong ones.
import type { GroupConfig, ResolvedConfig } from "../config.js";
import type { Diagnostic, Path } from "../diagnostics/diagnostic.js";
import type { ShapedGraph } from "../network/graph.js";
import { enumeration } from "../front/language/describe.js";
import { isInGroup, isWhitening, optimizerOf, parameterGroups } from "../training/parameter-groups.js";
import { parametersOf } from "../network/parameters.js";
import type { NetworkRule } from "./rule.js";
import { groupPath, spanOf } from "./training-parts.js";
import { highestRate, optimizerName, usualRates, whyUnusual } from "./usual-rates.js";

export const groupRules: readonly NetworkRule[] = [groupsFitParameters, muonWorksOnMatrices, ratesOfGroupsAreUsual];

function groupsFitParameters(config: ResolvedConfig, graph: ShapedGraph): readonly Diagnostic[] {
  const parameters = parametersOf(graph).filter((parameter) => !isWhitening(config, parameter));
  const taken = new Set(parameterGroups(config, graph).trained.map(({ rateIndex }) => rateIndex));
  return config.train.groups.flatMap((group, index): Diagnostic[] => {
    if (taken.has(index + 1)) return [];
    const path = groupPath(index);
    const fitting = parameters.filter((parameter) => isInGroup(group, parameter));
    if (fitting.length > 0) {
      const earlier = config.train.groups.findIndex((other) => isInGroup(other, fitting[0]!));
      return [
        {
          code: "train/empty-group",
          severity: "error",
          message: `no parameter is left for this group: ${fitting[0]!.name} is in an earlier one`,
          path,
          hint: "put the narrower group first",
          related: [{ message: "the earlier group is this one", path: groupPath(earlier) }],
        },
      ];
    }
    const names = [...new Set(graph.nodes.map(({ name }) => name))];
    const unknown = group.layers.findIndex(
      (layer) => !names.some((name) => name === layer || name.startsWith(`${layer}.`)),
    );
    if (unknown >= 0) {
      return [
        {
          code: "train/empty-group",
          severity: "error",
          message: `the network has no layer called ${group.layers[unknown]}, nor layers below it`,
          path: [...path, "layers", unknown],
          hint: "`netc graph FILE` lists the layers",
        },
      ];
    }
    return [
      {
        code: "train/empty-group",
        severity: "error",
        message: `the network has no parameters ${describeGroup(group)} that are trained`,
        path,
        hint: "take the group out, or ask for other roles or layers",
      },
    ];
  });
}

function describeGroup({ roles, layers }: GroupConfig): string {
  const ofRoles = roles.length > 0 ? [`of role ${enumeration(roles, "or")}`] : [];
  const inLayers = layers.length > 0 ? [`in ${enumeration(layers, "or")}`] : [];
  return [...ofRoles, ...inLayers].join(" ");
}

/** A bias or a norm's scale is a vector, which has no orthogonal matrix near it. */
function muonWorksOnMatrices(config: ResolvedConfig, graph: ShapedGraph): readonly Diagnostic[] {
  const faults = new Map<number, string>();
  for (const { rateIndex, rule, parameters } of parameterGroups(config, graph).trained) {
    const vector = parameters.find(({ shape }) => shape.length === 1);
    if (rule.kind === "muon" && vector && !faults.has(rateIndex)) faults.set(rateIndex, vector.name);
  }
  return [...faults].map(([rateIndex, name]): Diagnostic => {
    const isOwn = rateIndex > 0 && config.train.groups[rateIndex - 1]!.optimizer !== null;
    const path: Path = isOwn ? [...groupPath(rateIndex - 1), "optimizer"] : ["train", "optimizer"];
    return {
      code: "train/muon-on-vectors",
      severity: "error",
      message: `muon turns matrices, and ${name} is a vector`,
      path,
      hint: isOwn
        ? "add `roles: [conv_weight]` to the group"
        : "write `optimizer: {sgd: {momentum: 0.9}}` here, and `groups: [{roles: [conv_weight], optimizer: muon}]`",
    };
  });
}

/**
 * Of groups with a schedule or an optimizer of their own: a `rate_factor` alone says on purpose how far a group is from the rest.
 * SGD takes biases and norms at rates far beyond those of weights (Jordan 2024, arXiv 2404.00498), so it is left alone there.
 */
function ratesOfGroupsAreUsual(config: ResolvedConfig, graph: ShapedGraph): readonly Diagnostic[] {
  const { train } = config;
  const ofWeights = new Set(
    parameterGroups(config, graph).trained.flatMap(({ rateIndex, parameters }) =>
      parameters.some(({ shape }) => shape.length > 1) ? rateIndex : [],
    ),
  );
  return train.groups.flatMap((group, index): Diagnostic[] => {
    if ((!group.optimizer && !group.learning_rate) || spanOf(config, index + 1).steps === 0) return [];
    const optimizer = optimizerOf(config, index + 1);
    if ("sgd" in optimizer && !ofWeights.has(index + 1)) return [];
    const { below, rate } = highestRate(group.learning_rate ?? train.learning_rate);
    const message = whyUnusual(optimizer, rounded(rate * group.rate_factor, 6));
    if (!message) return [];
    const own = groupPath(index);
    const start = rounded(usualRates[optimizerName(optimizer)].start / group.rate_factor, 2);
    const optimizerPath: Path = group.optimizer ? [...own, "optimizer"] : ["train", "optimizer"];
    const place = group.learning_rate
      ? {
          path: [...own, "learning_rate", ...below],
          hint: `start from \`${start}\``,
          related: [{ message: "the optimizer is set here", path: optimizerPath }],
        }
      : {
          path: optimizerPath,
          hint: `add \`learning_rate: ${start}\` to the group`,
          related: [{ message: "the rate is set here", path: ["train", "learning_rate", ...below] }],
        };
    return [{ code: "train/unusual-learning-rate", severity: "warning", message, ...place }];
  });
}

function rounded(value: number, digits: number): number {
  return Number(value.toPrecision(digits));
}
