// The work of `netc init photos`: a folder of pictures, and trained weights where there are some → a file that tells their classes
// apart. With weights the network is the one that they fit, and it goes on from them: the new classifier first, then all of it.
import { compileText } from "../../compiler/compile.js";
import { firstError, hasErrors } from "../../compiler/diagnostics/diagnostic.js";
import type { Program } from "../../compiler/program.js";
import { scanImages } from "../../runtime/data/images/scan-images.js";
import { UserError } from "../../runtime/process/user-error.js";
import { matchWeights } from "../../runtime/weights/match-weights.js";
import { openWeights } from "../../runtime/weights/open-weights.js";
import type { WeightsPreprocessing } from "../../runtime/weights/preprocessing-beside.js";
import { preprocessingBeside } from "../../runtime/weights/preprocessing-beside.js";

export interface Photos {
  readonly folder: string;
  readonly weights: string | undefined;
}

/** `header` is the file's first line. @throws UserError where the folder or the weights will not do */
export async function photosFile({ folder, weights }: Photos, header: string): Promise<string> {
  const parts = weights === undefined ? SMALL : await partsFrom(weights);
  for (const batchSize of BATCH_SIZES) {
    const text = fileOf(folder, parts, batchSize, header);
    const { value, diagnostics } = compileText(text, "photos", { scanImages });
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
  readonly data: string;
  readonly model: string;
  readonly train: string;
}

function fileOf(folder: string, { data, model, train }: Parts, batchSize: number, header: string): string {
  return `${header}
# Tells pictures apart: a folder for each class under ${JSON.stringify(folder)}.
name: photos
seed: 0

data:
${data.replace("FOLDER", () => JSON.stringify(folder))}
  augment:
    - random_resized_crop: { scale: [0.5, 1] } # gentle: at least half of each picture
    - horizontal_flip # leave this out where left and right matter, as in letters

model:
${model}
train:
${train.replace("BATCH", String(batchSize))}`;
}

const SMALL: Parts = {
  data: `  dataset: { images: { folder: FOLDER, size: 72 } } # pictures of any size; a tenth of each class is tested on
  resize: 64`,
  model: `  stem: { channels: 32 }
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

const IMAGENET_STEM =
  "  stem: { channels: 64, kernel: 7, stride: 2, pool: { max: { kernel: 3, stride: 2, padding: 1 } } }";
const CIFAR_STEM = "  stem: { channels: 16 }";

function stagesOf(channels: readonly number[], blocks: readonly number[]): string {
  return channels
    .map((count, index) => {
      const shortcut = index > 0 ? ", stride: 2, projection: true" : "";
      return `    - { channels: ${count}, blocks: ${blocks[index]}${shortcut} }\n`;
    })
    .join("");
}

const WIDE = [64, 128, 256, 512];
const NARROW = [16, 32, 64];

/** He et al. 2015 (arXiv 1512.03385), table 1 and section 4.2. */
const NETWORKS: readonly string[] = [
  `${IMAGENET_STEM}\n  stages:\n${stagesOf(WIDE, [2, 2, 2, 2])}`,
  `${IMAGENET_STEM}\n  stages:\n${stagesOf(WIDE, [3, 4, 6, 3])}`,
  ...[3, 5, 7, 9, 18].map((blocks) => `${CIFAR_STEM}\n  stages:\n${stagesOf(NARROW, [blocks, blocks, blocks])}`),
];

async function partsFrom(weights: string): Promise<Parts> {
  const file = await openWeights(weights);
  await file.close();
  const model = NETWORKS.find((candidate) => {
    const { missing, surplus } = matchWeights(programOf(candidate).graph, file, { head: "new", new: [], skip: [] });
    return missing.length === 0 && surplus.length === 0;
  });
  if (model === undefined) {
    throw new UserError(
      `${weights} fits none of the networks that netc writes by itself (ResNet-18, ResNet-34 and CIFAR-10's of the paper); ` +
        "describe its network in a file of your own, and see `netc weights match`",
    );
  }
  const isSmall = model.startsWith(CIFAR_STEM);
  const told = await preprocessingBeside(weights);
  const { mean, std, size, from } = isSmall && told.from === null ? { ...told, size: 32 } : told;
  return { data: dataOf({ mean, std, size, from }), model, train: trainOf(weights) };
}

function dataOf({ mean, std, size, from }: WeightsPreprocessing): string {
  const source = from === null ? "ImageNet's, as most weights have them" : `as ${JSON.stringify(from)} says`;
  return `  dataset: { images: { folder: FOLDER, size: ${size} } } # pictures of any size; a tenth of each class is tested on
  normalize: { mean: [${mean.join(", ")}], std: [${std.join(", ")}] } # ${source}`;
}

function trainOf(weights: string): string {
  return `  epochs: 12
  batch_size: BATCH
  start: { weights: ${JSON.stringify(weights)}, head: new } # a classifier for your classes on what the network has learned
  groups:
    # In the first epoch the new classifier alone; then all of it, what was learned before a tenth as fast
    - { layers: [stem, stages], from_epoch: 1, rate_factor: 0.1 }
  learning_rate: { cosine: { rate: 0.02 } }
`;
}

function programOf(model: string): Program {
  const text = `name: any
data: { dataset: { synthetic: { height: 64, width: 64 } } }
model:
${model}
train: { epochs: 1, batch_size: 8, learning_rate: 0.1 }
`;
  const { value, diagnostics } = compileText(text, "network");
  if (!value) throw new Error(firstError(diagnostics));
  return value;
}
