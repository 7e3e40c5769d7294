// Names of tensors here → the names that torchvision's or timm's module of the same network gives them in its state_dict.

interface Reference {
  /** "torchvision resnet50": the library and the name of its model. */
  readonly model: string;
  /** Applied in order to a tensor's name; each replaces what it matches. */
  readonly rules: readonly (readonly [pattern: RegExp, replacement: string])[];
}

const layerNumber: readonly (readonly [RegExp, string])[] = ["0", "1", "2", "3"].map(
  (stage) => [new RegExp(`^stages\\.${stage}\\.blocks\\.`), `layer${Number(stage) + 1}.`] as const,
);

const resnet: Reference["rules"] = [
  ...layerNumber,
  [/\.norm(\d)\./, ".bn$1."],
  [/\.projection\.conv\./, ".downsample.0."],
  [/\.projection\.norm\./, ".downsample.1."],
  [/\.squeeze_excite\.reduce\./, ".se.fc1."],
  [/\.squeeze_excite\.expand\./, ".se.fc2."],
  [/^stem\.conv\./, "conv1."],
  [/^stem\.norm\./, "bn1."],
  [/^classifier\./, "fc."],
];

/** Its deep stem is a list of modules, and its projection begins with a pool. */
const resnetD: Reference["rules"] = [
  [/^stem\.conv\./, "conv1.0."],
  [/^stem\.norm\./, "conv1.1."],
  [/^stem\.conv2\./, "conv1.3."],
  [/^stem\.norm2\./, "conv1.4."],
  [/^stem\.conv3\./, "conv1.6."],
  [/^stem\.norm3\./, "bn1."],
  [/\.projection\.conv\./, ".downsample.1."],
  [/\.projection\.norm\./, ".downsample.2."],
  ...resnet,
];

const repvgg: Reference["rules"] = [
  [/^stages\.0\.blocks\.0\./, "stem."],
  ...["1", "2", "3", "4"].map(
    (stage) => [new RegExp(`^stages\\.${stage}\\.blocks\\.`), `stages.${Number(stage) - 1}.`] as const,
  ),
  [/\.?path1\.conv\./, ".conv_kxk.conv."],
  [/\.?path1\.norm\./, ".conv_kxk.bn."],
  [/\.?path2\.conv\./, ".conv_1x1.conv."],
  [/\.?path2\.norm\./, ".conv_1x1.bn."],
  [/\.identity\.norm\./, ".identity."],
  [/^classifier\./, "head.fc."],
];

/** By the name of the preset. */
export const references: Readonly<Record<string, Reference>> = {
  "resnet-18": { model: "torchvision resnet18", rules: resnet },
  "resnet-34": { model: "torchvision resnet34", rules: resnet },
  "resnet-50": { model: "torchvision resnet50", rules: resnet },
  "resnet-101": { model: "torchvision resnet101", rules: resnet },
  "resnet-152": { model: "torchvision resnet152", rules: resnet },
  "wide-resnet-50-2": { model: "torchvision wide_resnet50_2", rules: resnet },
  "resnet-50-d": { model: "timm resnet50d", rules: resnetD },
  "se-resnet-50": { model: "timm seresnet50", rules: resnet },
  "repvgg-a0": { model: "timm repvgg_a0", rules: repvgg },
};

/** The reference's name for a tensor of the preset's network. */
export function referenceName(preset: string, tensor: string): string {
  return references[preset]!.rules.reduce((name, [pattern, replacement]) => name.replace(pattern, replacement), tensor);
}
