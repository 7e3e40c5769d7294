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

/** The blocks of stages of so many, in their order, as the reference numbers them. */
function blocks(
  counts: readonly number[],
  called: (index: number, stage: number, block: number) => string,
): Reference["rules"] {
  let index = 0;
  return counts.flatMap((count, stage) =>
    Array.from({ length: count }, (_, block) => {
      const own = new RegExp(`^stages\\.${stage}\\.blocks\\.${block}\\.`);
      return [own, called(index++, stage, block)] as const;
    }),
  );
}

/** `conv2` and `norm2` → places in a list of pairs; the last pair may lie in the list itself. */
function pairs(inside: string, places: readonly (readonly [conv: string, norm: string])[]): Reference["rules"] {
  return places.flatMap(([conv, norm], at) => [
    [new RegExp(`${inside}conv${at + 1}\\.`), `$1${conv}.`] as const,
    [new RegExp(`${inside}norm${at + 1}\\.`), `$1${norm}.`] as const,
  ]);
}

const mobileNetV2: Reference["rules"] = [
  ...blocks([1, 2, 3, 4, 3, 3, 1], (index) => `features.${index + 1}.`),
  ...pairs("^(features\\.1\\.)", [
    ["conv.0.0", "conv.0.1"],
    ["conv.1", "conv.2"],
  ]),
  ...pairs("^(features\\.\\d+\\.)", [
    ["conv.0.0", "conv.0.1"],
    ["conv.1.0", "conv.1.1"],
    ["conv.2", "conv.3"],
  ]),
  [/^stem\.conv\./, "features.0.0."],
  [/^stem\.norm\./, "features.0.1."],
  [/^head\.conv\./, "features.18.0."],
  [/^head\.norm\./, "features.18.1."],
  [/^classifier\./, "classifier.1."],
];

const mobileNetV3: Reference["rules"] = [
  ...blocks([1, 1, 1, 3, 1, 1, 2, 2, 3], (index) => `features.${index + 1}.block.`),
  [/^(features\.(?:[456]|1[1-5])\.block\.)conv3\./, "$13.0."],
  [/^(features\.(?:[456]|1[1-5])\.block\.)norm3\./, "$13.1."],
  ...pairs("^(features\\.\\d+\\.block\\.)", [
    ["0.0", "0.1"],
    ["1.0", "1.1"],
    ["2.0", "2.1"],
  ]),
  [/squeeze_excite\.reduce\./, "2.fc1."],
  [/squeeze_excite\.expand\./, "2.fc2."],
  [/^stem\.conv\./, "features.0.0."],
  [/^stem\.norm\./, "features.0.1."],
  [/^head\.conv\./, "features.16.0."],
  [/^head\.norm\./, "features.16.1."],
  [/^head\.linear\./, "classifier.0."],
  [/^classifier\.(?=weight|bias)/, "classifier.3."],
];

/** timm's EfficientNets; the first stage expands nothing. */
const efficientNet: Reference["rules"] = [
  [/^stages\.0\.blocks\.0\.conv1\./, "blocks.0.0.conv_dw."],
  [/^stages\.0\.blocks\.0\.conv2\./, "blocks.0.0.conv_pw."],
  [/^stages\.(\d+)\.blocks\.(\d+)\./, "blocks.$1.$2."],
  [/\.conv1\./, ".conv_pw."],
  [/\.conv2\./, ".conv_dw."],
  [/\.conv3\./, ".conv_pwl."],
  [/\.norm(\d)\./, ".bn$1."],
  [/\.squeeze_excite\.(reduce|expand)\./, ".se.conv_$1."],
  [/^stem\.conv\./, "conv_stem."],
  [/^stem\.norm\./, "bn1."],
  [/^head\.conv\./, "conv_head."],
  [/^head\.norm\./, "bn2."],
];

const convNext: Reference["rules"] = [
  [/\.before\.norm\./, ".downsample.0."],
  [/\.before\.conv\./, ".downsample.1."],
  [/\.conv1\./, ".conv_dw."],
  [/\.norm1\./, ".norm."],
  [/\.conv2\./, ".mlp.fc1."],
  [/\.conv3\./, ".mlp.fc2."],
  [/\.scale\.weight$/, ".gamma"],
  [/^stem\.conv\./, "stem.0."],
  [/^stem\.norm\./, "stem.1."],
  [/^classifier\./, "head.fc."],
];

const regNet: Reference["rules"] = [
  ...["0", "1", "2", "3"].flatMap((stage) =>
    Array.from(
      { length: 12 },
      (_, block) =>
        [new RegExp(`^stages\\.${stage}\\.blocks\\.${block}\\.`), `s${Number(stage) + 1}.b${block + 1}.`] as const,
    ),
  ),
  [/\.projection\.conv\./, ".downsample.conv."],
  [/\.projection\.norm\./, ".downsample.bn."],
  [/\.conv(\d)\./, ".conv$1.conv."],
  [/\.norm(\d)\./, ".conv$1.bn."],
  [/\.squeeze_excite\.reduce\./, ".se.fc1."],
  [/\.squeeze_excite\.expand\./, ".se.fc2."],
  [/^stem\.norm\./, "stem.bn."],
  [/^classifier\./, "head.fc."],
];

/** torchvision's, whose RegNetX-400MF is the paper's; timm's has other widths. */
const regNetX: Reference["rules"] = [
  ...blocks([1, 2, 7, 12], (_, stage, block) => `trunk_output.block${stage + 1}.block${stage + 1}-${block}.`),
  [/\.projection\.conv\./, ".proj.0."],
  [/\.projection\.norm\./, ".proj.1."],
  ...["a", "b", "c"].flatMap((letter, at) => [
    [new RegExp(`\\.conv${at + 1}\\.`), `.f.${letter}.0.`] as const,
    [new RegExp(`\\.norm${at + 1}\\.`), `.f.${letter}.1.`] as const,
  ]),
  [/^stem\.conv\./, "stem.0."],
  [/^stem\.norm\./, "stem.1."],
  [/^classifier\./, "fc."],
];

const denseNet: Reference["rules"] = [
  ...blocks([6, 12, 24, 16], (_, stage, block) => `features.denseblock${stage + 1}.denselayer${block + 1}.`),
  ...[1, 2, 3].map((stage) => [new RegExp(`^stages\\.${stage}\\.before\\.`), `features.transition${stage}.`] as const),
  [/path1\.(norm|conv)\./, "$11."],
  [/path1\.(norm|conv)2\./, "$12."],
  [/^stem\.(norm|conv)\./, "features.$10."],
  [/^head\.norm\./, "features.norm5."],
];

const shuffleNet: Reference["rules"] = [
  ...[0, 2, 4].map((stage) => [new RegExp(`^stages\\.${stage}\\.blocks\\.0\\.`), `stage${stage / 2 + 2}.0.`] as const),
  ...[1, 3, 5].flatMap((stage) =>
    Array.from(
      { length: 7 },
      (_, block) =>
        [
          new RegExp(`^stages\\.${stage}\\.blocks\\.${block}\\.path1\\.`),
          `stage${(stage - 1) / 2 + 2}.${block + 1}.path2.`,
        ] as const,
    ),
  ),
  ...[
    ["path1.conv", "branch1.0"],
    ["path1.norm", "branch1.1"],
    ["path1.conv2", "branch1.2"],
    ["path1.norm2", "branch1.3"],
    ["path2.conv", "branch2.0"],
    ["path2.norm", "branch2.1"],
    ["path2.conv2", "branch2.3"],
    ["path2.norm2", "branch2.4"],
    ["path2.conv3", "branch2.5"],
    ["path2.norm3", "branch2.6"],
  ].map(([own, theirs]) => [new RegExp(`\\.${own!.replace(".", "\\.")}\\.`), `.${theirs!}.`] as const),
  [/^stem\.conv\./, "conv1.0."],
  [/^stem\.norm\./, "conv1.1."],
  [/^head\.conv\./, "conv5.0."],
  [/^head\.norm\./, "conv5.1."],
  [/^classifier\./, "fc."],
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
  "resnext-50": { model: "torchvision resnext50_32x4d", rules: resnet },
  "mobilenet-v2": { model: "torchvision mobilenet_v2", rules: mobileNetV2 },
  "mobilenet-v3-large": { model: "torchvision mobilenet_v3_large", rules: mobileNetV3 },
  "efficientnet-b0": { model: "timm efficientnet_b0", rules: efficientNet },
  "efficientnet-lite0": { model: "timm tf_efficientnet_lite0", rules: efficientNet },
  "convnext-t": { model: "timm convnext_tiny", rules: convNext },
  "regnet-x-400mf": { model: "torchvision regnet_x_400mf", rules: regNetX },
  "regnet-y-400mf": { model: "timm regnety_004", rules: regNet },
  "densenet-121": { model: "torchvision densenet121", rules: denseNet },
  "shufflenet-v2": { model: "torchvision shufflenet_v2_x1_0", rules: shuffleNet },
};

/** The reference's name for a tensor of the preset's network. */
export function referenceName(preset: string, tensor: string): string {
  return references[preset]!.rules.reduce((name, [pattern, replacement]) => name.replace(pattern, replacement), tensor);
}
