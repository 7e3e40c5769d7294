// Rules about parameters that are trained otherwise than the rest: groups that fit none, and optimizers on the wrong ones.
import type { GroupConfig, ResolvedConfig } from "../config.js";
import type { Diagnostic, Path } from "../diagnostic.js";
import type { ShapedGraph } from "../graph.js";
import { enumeration } from "../language/describe.js";
import { isInGroup, isWhitening, parameterGroups } from "../parameter-groups.js";
import { parametersOf } from "../parameters.js";
import type { NetworkRule } from "./rule.js";

export const groupRules: readonly NetworkRule[] = [groupsFitParameters, muonWorksOnMatrices];

function groupsFitParameters(config: ResolvedConfig, graph: ShapedGraph): readonly Diagnostic[] {
  const parameters = parametersOf(graph).filter((parameter) => !isWhitening(config, parameter));
  const taken = new Set(parameterGroups(config, graph).trained.map(({ rate }) => rate));
  return config.train.groups.flatMap((group, index): Diagnostic[] => {
    if (taken.has(index + 1)) return [];
    const path: Path = ["train", "groups", index];
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
          related: [{ message: "the earlier group is this one", path: ["train", "groups", earlier] }],
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
  for (const { rate, rule, parameters } of parameterGroups(config, graph).trained) {
    const vector = parameters.find(({ shape }) => shape.length === 1);
    if (rule.kind === "muon" && vector && !faults.has(rate)) faults.set(rate, vector.name);
  }
  return [...faults].map(([rate, name]): Diagnostic => {
    const isOwn = rate > 0 && config.train.groups[rate - 1]!.optimizer !== null;
    const path: Path = isOwn ? ["train", "groups", rate - 1, "optimizer"] : ["train", "optimizer"];
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
