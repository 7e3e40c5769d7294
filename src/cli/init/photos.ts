// The work of `netc init photos`: a folder of pictures, and trained weights where there are some → a file that tells their classes
// apart. With weights the network is the one that they fit, and it goes on from them: the new classifier first, then all of it.
import { compileText } from "../../compiler/compile.js";
import { parametersOf } from "../../compiler/network/parameters.js";
import { readBase } from "../../runtime/source/read-base.js";
import { presetNames } from "../../runtime/source/presets.js";
import { firstError, hasErrors } from "../../compiler/diagnostics/diagnostic.js";
import type { Program } from "../../compiler/program.js";
import { scanImages } from "../../runtime/data/images/scan-images.js";
import { UserError } from "../../runtime/process/user-error.js";
import { isOfHead, matchWeights } from "../../runtime/weights/match-weights.js";
import { openWeights } from "../../runtime/weights/open-weights.js";
import { datasetFacts } from "../../compiler/datasets.js";
import type { WeightsPreprocessing } from "../../runtime/weights/preprocessing-beside.js";
import { IMAGENET, preprocessingBeside } from "../../runtime/weights/preprocessing-beside.js";

export interface Photos {
  readonly folder: string;
  readonly weights: string | undefined;
}

/** `header` is the file's first line. @throws UserError where the folder or the weights will not do */
export async function photosFile({ folder, weights }: Photos, header: string): Promise<string> {
  const parts = weights === undefined ? SMALL : await partsFrom(weights);
  for (const batchSize of BATCH_SIZES) {
    const text = fileOf(folder, parts, batchSize, header);
    const { value, diagnostics } = compileText(text, "photos", { readBase, scanImages });
    if (value && !hasErrors(diagnostics)) return text;
    if (diagnostics.some(({ code }) => code === "data/batch-larger-than-data")) continue;
    throw new UserError(firstError(diagnostics));
  }
  throw new UserError(
    `${folder} holds too few pictures to train on: at least ${BATCH_SIZES.at(-1)} are needed, and better fifty of a class`,
  );
}

const BATCH_SIZES = [32, 16, 8, 4];

/** What differs with weights and without. */
interface Parts {
  /** The network that comes with netc and is trained further. */
  readonly base: string;
  readonly data: string;
  readonly model: string;
  readonly train: string;
}

function fileOf(folder: string, { base, data, model, train }: Parts, batchSize: number, header: string): string {
  return `${header}
# Tells pictures apart: a folder for each class under ${JSON.stringify(folder)}.
${base}name: photos
seed: 0

data:
${data.replace("FOLDER", () => JSON.stringify(folder))}
  augment:
    - random_resized_crop: { scale: [0.5, 1] } # gentle: at least half of each picture
    - horizontal_flip # leave this out where left and right matter, as in letters

${model}train:
${train.replace("BATCH", String(batchSize))}`;
}

const SMALL: Parts = {
  base: "",
  data: `  dataset: { images: { folder: FOLDER, size: 72 } } # pictures of any size; a tenth of each class is tested on
  resize: 64`,
  model: `model:
  stem: { channels: 32 }
  stages:
    - { channels: 32, blocks: 1 }
    - { channels: 64, blocks: 1, stride: 2, projection: true }
    - { channels: 128, blocks: 1, stride: 2, projection: true }
    - { channels: 256, blocks: 1, stride: 2, projection: true }

`,
  train: `  epochs: 40
  batch_size: BATCH
  learning_rate: { cosine: { rate: 0.05, warmup_epochs: 2 } }
`,
};

async function partsFrom(weights: string): Promise<Parts> {
  const file = await openWeights(weights);
  await file.close();
  for (const name of presetNames()) {
    const program = programOf(name);
    const { missing, surplus } = matchWeights(program.graph, file, { head: "new", new: [], skip: [] });
    // Recipes that average weights are for a data set of their own
    if (missing.length > 0 || surplus.length > 0 || program.config.train.weight_average !== null) continue;
    const told = await preprocessingBeside(weights);
    return {
      base: `extends: netc:${name} # the network that the weights fit\n`,
      data: dataOf(told.from === null ? ofPreset(program) : told),
      model: "",
      train: trainOf(weights, program),
    };
  }
  throw new UserError(
    `${weights} fits none of the networks that come with netc (\`netc init --list\`); ` +
      "describe its network in a file of your own, and see `netc weights match`",
  );
}

/**
 * Weights that nothing lies beside were trained as the network's file says, else as torchvision trains; pictures are then taken whole,
 * since what was cut off for tests in training is part of them.
 */
function ofPreset({ config: { data, model } }: Program): WeightsPreprocessing {
  const { height: size } = model.input;
  const plain = datasetFacts(data.dataset);
  const { mean, std } = data.normalize;
  const isOwn = mean.some((value, index) => value !== plain.mean[index]);
  return { ...IMAGENET, ...(isOwn ? { mean, std } : {}), size, resize: size };
}

function programOf(preset: string): Program {
  const { value, diagnostics } = compileText(`extends: netc:${preset}\n`, preset, { readBase });
  if (!value) throw new Error(firstError(diagnostics));
  return value;
}

function dataOf({ mean, std, size, resize, interpolation, from }: WeightsPreprocessing): string {
  const source = from === null ? "as most weights of this network have them" : `as ${JSON.stringify(from)} says`;
  const settings = [
    "folder: FOLDER",
    `size: ${size}`,
    ...(resize === size ? [] : [`resize: ${resize}`]),
    ...(interpolation === "bilinear" ? [] : [`interpolation: ${interpolation}`]),
  ];
  return `  dataset: { images: { ${settings.join(", ")} } } # pictures of any size; a tenth of each class is tested on
  normalize: { mean: [${mean.join(", ")}], std: [${std.join(", ")}] } # ${source}`;
}

/**
 * The new classifier alone for an epoch, then all of it, what was learned before a fiftieth as fast. Statistics of batch norm
 * stay those of the weights: a few hundred pictures are too few for others (`bench/photos-of-cifar.mjs` makes six classes of
 * fifty, on which EfficientNet-Lite0 came to 92 % with them and to 46 to 67 % with its own).
 */
function trainOf(weights: string, { graph }: Program): string {
  const layers = new Set(
    parametersOf(graph)
      .filter(({ name }) => !isOfHead(graph, name))
      .map(({ name }) => name.split(".")[0]),
  );
  const hasBatchNorm = graph.nodes.some(({ op }) => op.kind === "batch_norm");
  return `  epochs: 6
  batch_size: BATCH
  accumulate: 1
  start: { weights: ${JSON.stringify(weights)}, head: new } # a classifier for your classes on what the network has learned
  optimizer: { sgd: { momentum: 0.9, nesterov: true, weight_decay: 1e-4 } }
  groups:
${hasBatchNorm ? "    - { roles: [norm_scale, norm_shift], epochs: 0 } # norms keep the statistics of the weights\n" : ""}\
    - { layers: [${[...layers].join(", ")}], from_epoch: 1, rate_factor: 0.02 } # at first the new classifier alone
  learning_rate: { cosine: { rate: 0.04, warmup_epochs: 0 } }
  loss: { cross_entropy: { label_smoothing: 0.1 } }
`;
}
