// Program → what optimizer.py.hbs prints: PyTorch's optimizers and the two that it lacks, as far as the file's groups use them.
import type { OptimizerConfig } from "../../../compiler/config.js";
import { parameterGroups } from "../../../compiler/training/parameter-groups.js";
import type { Program } from "../../../compiler/program.js";
import { slotNames } from "../../../compiler/training/update-rule.js";
import { dictionary, quoted } from "./python.js";

export interface OptimizerView {
  readonly summary: string;
  readonly imports: readonly string[];
  /** Whether the file has groups of parameters. */
  readonly groups: boolean;
  /** Whether these are updated by more than one class. */
  readonly several: boolean;
  /** Whether they differ in what their optimizers keep. */
  readonly slotsByGroup: boolean;
  /** As a dictionary, where all keep the same; else empty. */
  readonly slots: string;
  readonly adam: boolean;
  readonly muon: boolean;
  readonly decoupled: boolean;
  /** Whether SGD decays both ways. */
  readonly mixedSgd: boolean;
  /** Name of the one optimizer of a file without groups. */
  readonly optimizer: string;
  readonly optimizerClass: string;
  readonly decayKey: string;
  readonly arguments: string;
  readonly optionFunctions: readonly { readonly name: string; readonly summary: string; readonly dictionary: string }[];
  readonly optionTable: string;
  readonly optimizerTable: string;
}

type Kind = "sgd" | "decoupled_sgd" | "adam" | "adamw" | "muon";

interface KindFacts {
  readonly class: string;
  readonly decayKey: string;
  /** Arguments of the constructor, and as items of a group, from `settings`. */
  readonly arguments: string;
  readonly options: string;
  readonly title: string;
}

const MOMENTUM = {
  arguments: 'momentum=settings["momentum"], nesterov=settings["nesterov"]',
  options: '"momentum": settings["momentum"], "nesterov": settings["nesterov"]',
};
const ADAM = {
  decayKey: "weight_decay",
  arguments: 'betas=(settings["beta1"], settings["beta2"]), eps=settings["eps"]',
  options: '"betas": (settings["beta1"], settings["beta2"]), "eps": settings["eps"]',
};

const KINDS: Readonly<Record<Kind, KindFacts>> = {
  sgd: { class: "torch.optim.SGD", decayKey: "weight_decay", title: "SGD", ...MOMENTUM },
  decoupled_sgd: { class: "DecoupledSGD", decayKey: "decoupled_decay", title: "SGD with decoupled decay", ...MOMENTUM },
  adam: { class: "torch.optim.Adam", title: "Adam", ...ADAM },
  adamw: { class: "torch.optim.AdamW", title: "AdamW", ...ADAM },
  muon: { class: "Muon", decayKey: "weight_decay", arguments: "", options: "**settings", title: "Muon" },
};

/** netc's names of what an optimizer keeps, and PyTorch's. */
const SLOTS: Readonly<Record<string, string>> = {
  momentum: "momentum_buffer",
  first_moment: "exp_avg",
  second_moment: "exp_avg_sq",
};

export function optimizerView({ config, graph }: Program): OptimizerView {
  const { train } = config;
  const kinds = usedKinds(config.train.optimizer, train.groups, parameterGroups(config, graph).trained);
  const several = kinds.length > 1;
  const hasGroups = train.groups.length > 0;
  const slots = new Set(parameterGroups(config, graph).trained.map(({ rule }) => slotNames(rule).join(" ")));
  const slotsByGroup = slots.size > 1;
  const [only] = kinds as [Kind];
  const ownName = (kind: Kind): string => kind.replace("decoupled_", "");
  const mixedSgd = kinds.includes("sgd") && kinds.includes("decoupled_sgd");
  const nameOf = (kind: Kind): string => (mixedSgd ? kind : ownName(kind));
  const [muon, decoupled] = [kinds.includes("muon"), kinds.includes("decoupled_sgd")];
  return {
    summary: summaryOf(hasGroups, kinds),
    imports: [
      ...(hasGroups ? ["from collections import defaultdict"] : []),
      "from typing import Any",
      "",
      "import torch",
      `from torch import ${several || muon ? "Tensor, nn" : "nn"}`,
    ],
    groups: hasGroups,
    several,
    slotsByGroup,
    slots: slotsByGroup
      ? ""
      : dictionary(
          [...slots].flatMap((names) => names.split(" ").filter(Boolean)).map((name) => [name, quoted(SLOTS[name]!)]),
        ),
    adam: kinds.some((kind) => kind.startsWith("adam")),
    muon,
    decoupled,
    mixedSgd,
    optimizer: ownName(only),
    optimizerClass: KINDS[only].class,
    decayKey: KINDS[only].decayKey,
    arguments: KINDS[only].arguments,
    optionFunctions: (hasGroups ? kinds : []).map((kind) => ({
      name: several ? `${nameOf(kind)}_options` : "options",
      summary: `${KINDS[kind].title}'s settings of a group.`,
      dictionary: `{${KINDS[kind].options}, ${quoted(KINDS[kind].decayKey)}: decay}`,
    })),
    optionTable: dictionary(kinds.map((kind) => [nameOf(kind), `${nameOf(kind)}_options`])),
    optimizerTable: dictionary(kinds.map((kind) => [nameOf(kind), KINDS[kind].class])),
  };
}

/** In the order of the groups' rates; optimizers that no parameter is left for are not among them. */
function usedKinds(
  common: OptimizerConfig,
  groups: readonly { readonly optimizer: OptimizerConfig | null }[],
  trained: readonly { readonly rateIndex: number }[],
): Kind[] {
  const optimizers = trained.map(
    ({ rateIndex }) => (rateIndex > 0 ? groups[rateIndex - 1]!.optimizer : null) ?? common,
  );
  return [...new Set(optimizers.map(kindOf))];
}

function kindOf(optimizer: OptimizerConfig): Kind {
  if ("sgd" in optimizer) return optimizer.sgd.decoupled ? "decoupled_sgd" : "sgd";
  return Object.keys(optimizer)[0] as Exclude<Kind, "sgd" | "decoupled_sgd">;
}

function summaryOf(hasGroups: boolean, kinds: readonly Kind[]): string {
  const titles = kinds.map((kind) => KINDS[kind].title);
  if (hasGroups) return `Which parameters are updated together, by which rates and decays: ${titles.join(", ")}.`;
  return `The optimizer: ${titles.join(", ")}.`;
}
