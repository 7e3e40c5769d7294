// How others name the tensors of networks that netc builds → the names that netc has for them. A dialect is a table of rules;
// another family of networks, or another library, is further rows.

import { referenceName, references } from "../../compiler/targets/reference-names.js";

export interface Dialect {
  /** Whose names they are: "torchvision, timm and mmpretrain". */
  readonly name: string;
  /** The first that fits a name renames what it fits; a name that none fits stays. */
  readonly rules: readonly Rule[];
  /** Whole names that it has for a network's tensors → the network's own. */
  readonly names?: ReadonlyMap<string, string>;
}

type Rule = readonly [pattern: RegExp, name: string | ((...groups: string[]) => string)];

/** What stands before all names of a file, or before those of the network without its head. */
const PREFIXES = ["module.", "_orig_mod.", "model.", "backbone.", "encoder.", "net.", "network."];

const before = (name: string): string => String(Number(name) - 1);
const after = (name: string): string => String(Number(name) + 1);

/** conv1, bn1; layer1.0.conv1, layer1.0.bn1, layer1.0.downsample.0; fc. CIFAR's own ResNets say `shortcut` and `linear`. */
const residual: readonly Rule[] = [
  [/^(?:backbone\.)?conv1\.(?=\w+$)/, "stem.conv."],
  [/^(?:backbone\.)?bn1\./, "stem.norm."],
  [
    /^(?:backbone\.)?layer(\d+)\.(\d+)\.conv(\d)\./,
    (_, stage, block, layer) => `${blockOf(stage!, block!)}.conv${layer}.`,
  ],
  [
    /^(?:backbone\.)?layer(\d+)\.(\d+)\.bn(\d)\./,
    (_, stage, block, layer) => `${blockOf(stage!, block!)}.norm${layer}.`,
  ],
  [
    /^(?:backbone\.)?layer(\d+)\.(\d+)\.(?:downsample|shortcut)\.0\./,
    (_, stage, block) => `${blockOf(stage!, block!)}.projection.conv.`,
  ],
  [
    /^(?:backbone\.)?layer(\d+)\.(\d+)\.(?:downsample|shortcut)\.1\./,
    (_, stage, block) => `${blockOf(stage!, block!)}.projection.norm.`,
  ],
  [/^(?:fc|linear|classifier|head|head\.fc)\.(?=\w+$)/, "classifier."],
];

function blockOf(stage: string, block: string): string {
  return `stages.${before(stage)}.blocks.${block}`;
}

/** resnet.embedder.embedder.convolution; resnet.encoder.stages.0.layers.0.layer.0.convolution, .shortcut.convolution. */
const huggingFace: readonly Rule[] = [
  [/^(?:resnet\.)?embedder\.embedder\.convolution\./, "stem.conv."],
  [/^(?:resnet\.)?embedder\.embedder\.normalization\./, "stem.norm."],
  [
    /^(?:resnet\.)?encoder\.stages\.(\d+)\.layers\.(\d+)\.layer\.(\d)\.convolution\./,
    (_, stage, block, layer) => `stages.${stage}.blocks.${block}.conv${after(layer!)}.`,
  ],
  [
    /^(?:resnet\.)?encoder\.stages\.(\d+)\.layers\.(\d+)\.layer\.(\d)\.normalization\./,
    (_, stage, block, layer) => `stages.${stage}.blocks.${block}.norm${after(layer!)}.`,
  ],
  [
    /^(?:resnet\.)?encoder\.stages\.(\d+)\.layers\.(\d+)\.shortcut\.convolution\./,
    (_, stage, block) => `stages.${stage}.blocks.${block}.projection.conv.`,
  ],
  [
    /^(?:resnet\.)?encoder\.stages\.(\d+)\.layers\.(\d+)\.shortcut\.normalization\./,
    (_, stage, block) => `stages.${stage}.blocks.${block}.projection.norm.`,
  ],
  [/^classifier\.1\.(?=\w+$)/, "classifier."],
];

/** Where two give a file as many partners, the first is taken. */
export const dialects: readonly Dialect[] = [
  { name: "netc", rules: [] },
  { name: "torchvision, timm and mmpretrain", rules: residual },
  { name: "Hugging Face", rules: huggingFace },
];

/** How the libraries whose networks netc's presets are name the tensors of a network like one of these. */
export function dialectsOf(own: readonly string[]): readonly Dialect[] {
  return Object.keys(references).map((preset) => ({
    name: "torchvision or timm",
    rules: [],
    names: new Map(own.map((name) => [referenceName(preset, name), name])),
  }));
}

export function inNetc(name: string, { rules, names }: Dialect): string {
  if (names) return names.get(name) ?? name;
  const rule = rules.find(([pattern]) => pattern.test(name));
  return rule ? name.replace(rule[0], rule[1] as string) : name;
}

/** What all names have before them that is no part of any. */
export function commonPrefix(names: readonly string[]): string {
  let prefix = "";
  for (;;) {
    const next = PREFIXES.find((one) => names.length > 0 && names.every((name) => name.startsWith(prefix + one)));
    if (next === undefined) return prefix;
    prefix += next;
  }
}
