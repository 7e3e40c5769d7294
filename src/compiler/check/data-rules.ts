// Rules between the data section and the rest: images, classes and batches that do not go together.
import type { ResolvedConfig } from "../config.js";
import { datasetFacts, pictureFit, trainingSplit } from "../datasets.js";
import type { Diagnostic, Path } from "../diagnostics/diagnostic.js";
import { whiteningStem } from "../network/whitening-stem.js";
import type { ConfigRule } from "./rule.js";

export const dataRules: readonly ConfigRule[] = [
  whiteningFitsTheStem,
  whiteningHasItsImages,
  inputAgreesWithData,
  normalizationHasOneValueAChannel,
  classesAgreeWithData,
  batchFitsTheData,
  cutFitsTheResizedImage,
  cutoutFitsTheImage,
  shiftsFitTheImage,
  choicesHaveImagesOfTheirOwn,
];

/** What is chosen by the figures that are then reported looks better than it is (Hastie et al. 2009, section 7.2). */
function choicesHaveImagesOfTheirOwn({ data, train }: ResolvedConfig): readonly Diagnostic[] {
  if (data.validation !== null) return [];
  const path = train.early_stop ? ["train", "early_stop"] : ["train", "checkpoints", "keep_best"];
  if (!train.early_stop && train.checkpoints.keep_best === 0) return [];
  return [
    {
      code: "data/chosen-by-test",
      severity: "warning",
      message: `${path.at(-1)} chooses by the test images, so that their accuracy flatters what was chosen`,
      path,
      hint: "keep images for choosing: `data: {validation: 0.1}`",
    },
  ];
}

/** Height and width of the images that reach the network. */
export function imageSize({ data }: ResolvedConfig): { height: number; width: number } {
  const { height, width } = data.resize ?? datasetFacts(data.dataset);
  return { height, width };
}

function inputAgreesWithData(config: ResolvedConfig): readonly Diagnostic[] {
  const { input } = config.model;
  const { channels } = datasetFacts(config.data.dataset);
  const { height, width } = imageSize(config);
  if (input.height === height && input.width === width && input.channels === channels) return [];
  return [
    {
      code: "data/input-mismatch",
      severity: "error",
      message:
        `the network expects ${input.height}×${input.width}×${input.channels} images, ` +
        `the data gives ${height}×${width}×${channels}`,
      path: ["model", "input"],
      hint: `leave \`model.input\` out, or write \`input: {height: ${height}, width: ${width}, channels: ${channels}}\``,
      related: [
        { message: "the size of the images is set here", path: ["data", config.data.resize ? "resize" : "dataset"] },
      ],
    },
  ];
}

function normalizationHasOneValueAChannel({ data }: ResolvedConfig): readonly Diagnostic[] {
  const { channels } = datasetFacts(data.dataset);
  return (["mean", "std"] as const)
    .filter((key) => data.normalize[key].length !== channels)
    .map((key) => ({
      code: "data/channels-mismatch",
      severity: "error",
      message: `${key} has ${data.normalize[key].length} values, the images have ${channels} channels`,
      path: ["data", "normalize", key],
      hint: `write \`${key}: [${Array.from({ length: channels }, () => "0.5").join(", ")}]\``,
    }));
}

function classesAgreeWithData({ data, model }: ResolvedConfig): readonly Diagnostic[] {
  const { classes } = datasetFacts(data.dataset);
  if (model.classifier.classes === classes) return [];
  return [
    {
      code: "data/classes-mismatch",
      severity: "error",
      message: `the classifier has ${model.classifier.classes} classes, the data set has ${classes}`,
      path: ["model", "classifier", "classes"],
      hint: `write \`classes: ${classes}\`, or leave it out`,
      related: [{ message: "the data set is set here", path: ["data", "dataset"] }],
    },
  ];
}

function batchFitsTheData({ data, train }: ResolvedConfig): readonly Diagnostic[] {
  const { trainImages } = trainingSplit(data);
  if (train.batch_size <= trainImages) return [];
  return [
    {
      code: "data/batch-larger-than-data",
      severity: "error",
      message: `batch_size is ${train.batch_size}, the data set has ${trainImages} training images`,
      path: ["train", "batch_size"],
      hint: `write \`batch_size: ${Math.min(trainImages, 128)}\``,
    },
  ];
}

/** torchvision's CenterCrop fills up with black, which is hardly ever meant. */
function cutFitsTheResizedImage({ data }: ResolvedConfig): readonly Diagnostic[] {
  const { size, resize } = pictureFit(data.dataset);
  if (resize === null) return [];
  const resized = typeof resize === "number" ? { height: resize, width: resize } : resize;
  if (size.height <= resized.height && size.width <= resized.width) return [];
  const path = ["data", "dataset", "images", "resize"];
  const [height, width] = [Math.max(size.height, resized.height), Math.max(size.width, resized.width)];
  return [
    {
      code: "data/crop-larger-than-image",
      severity: "error",
      message:
        `${size.height}×${size.width} are cut out of pictures that are resized to ` +
        (typeof resize === "number" ? `a shorter side of ${resize}` : `${resize.height}×${resize.width}`),
      path,
      hint:
        typeof resize === "number"
          ? `write \`resize: ${Math.max(height, width)}\``
          : `write \`resize: {height: ${height}, width: ${width}}\``,
    },
  ];
}

function cutoutFitsTheImage(config: ResolvedConfig): readonly Diagnostic[] {
  const { height, width } = imageSize(config);
  return config.data.augment.flatMap((augmentation, index): Diagnostic[] => {
    if (augmentation === "alternating_flip" || !("cutout" in augmentation)) return [];
    if (augmentation.cutout.size < Math.min(height, width)) return [];
    return [
      {
        code: "data/cutout-too-large",
        severity: "error",
        message: `cutout removes ${augmentation.cutout.size}×${augmentation.cutout.size} pixels of images of ${height}×${width}`,
        path: ["data", "augment", index, "cutout", "size"],
        hint: `write \`size: ${Math.floor(Math.min(height, width) / 4)}\``,
      },
    ];
  });
}

/** A reflected border repeats the image without its edge, so it is at most one pixel less than the image. */
function shiftsFitTheImage(config: ResolvedConfig): readonly Diagnostic[] {
  const { height, width } = imageSize(config);
  return shiftsOf(config).flatMap(({ pixels, verb, path }): Diagnostic[] => {
    if (pixels < Math.min(height, width)) return [];
    return [
      {
        code: "data/crop-padding-too-large",
        severity: "error",
        message: `${verb} by ${pixels}, as much as the ${height}×${width} image itself`,
        path,
        hint: `write \`${path.at(-1)}: ${Math.max(1, Math.floor(Math.min(height, width) / 8))}\``,
      },
    ];
  });
}

function shiftsOf({ data, train }: ResolvedConfig): { pixels: number; verb: string; path: Path }[] {
  const shifts = data.augment.flatMap((augmentation, index) => {
    if (augmentation === "alternating_flip") return [];
    const path = ["data", "augment", index];
    if ("random_crop" in augmentation) {
      const { padding } = augmentation.random_crop;
      return [{ pixels: padding, verb: "random_crop pads", path: [...path, "random_crop", "padding"] }];
    }
    if (!("translate" in augmentation)) return [];
    const { pixels } = augmentation.translate;
    return [{ pixels, verb: "translate moves images", path: [...path, "translate", "pixels"] }];
  });
  const { translate } = train.evaluation;
  const path = ["train", "evaluation", "translate"];
  return [...shifts, { pixels: translate, verb: "evaluation moves images", path }];
}

/** A filter and its negative for every value of a patch. */
function whiteningFitsTheStem({ model }: ResolvedConfig): readonly Diagnostic[] {
  const stem = whiteningStem(model);
  if (!stem) return [];
  const { kernel, channels } = stem;
  const filters = 2 * kernel * kernel * model.input.channels;
  if (channels === filters) return [];
  return [
    {
      code: "shape/whitening-channels",
      severity: "error",
      message: `whitening yields ${filters} filters for patches of ${kernel}×${kernel}×${model.input.channels}, but the stem has ${channels} channels`,
      path: ["model", "stem", "channels"],
      hint: `write \`channels: ${filters}\``,
      related: [{ message: "whitening is asked for here", path: ["model", "stem", "whitening"] }],
    },
  ];
}

function whiteningHasItsImages({ model, data }: ResolvedConfig): readonly Diagnostic[] {
  const { whitening } = whiteningStem(model) ?? {};
  const { trainImages } = trainingSplit(data);
  if (!whitening || whitening.images <= trainImages) return [];
  return [
    {
      code: "data/whitening-images",
      severity: "error",
      message: `whitening asks for ${whitening.images} images, but there are ${trainImages} for training`,
      path: ["model", "stem", "whitening", "images"],
      hint: `write \`images: ${trainImages}\``,
      related: [{ message: "the data set is set here", path: ["data", "dataset"] }],
    },
  ];
}
