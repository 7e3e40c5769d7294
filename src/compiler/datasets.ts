// What the compiler needs to know of each data set without loading anything: sizes, classes, and the statistics that are
// the default of `data.normalize`.
import type { DataConfig, ImagesDataset, PictureFit } from "./config.js";

export interface DatasetFacts {
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  readonly classes: number;
  readonly trainImages: number;
  readonly testImages: number;
  /** Mean of the training images as x / 255, one value a channel. */
  readonly mean: readonly number[];
  readonly std: readonly number[];
}

const NAMED_DATASETS: Readonly<Record<Extract<DataConfig["dataset"], string>, DatasetFacts>> = {
  cifar10: {
    height: 32,
    width: 32,
    channels: 3,
    classes: 10,
    trainImages: 50_000,
    testImages: 10_000,
    mean: [0.49139968, 0.48215841, 0.44653091],
    std: [0.24703223, 0.24348513, 0.26158784],
  },
};

/** Sizes are those of the data set itself, before `data.resize`. */
export function datasetFacts(dataset: DataConfig["dataset"]): DatasetFacts {
  if (typeof dataset === "string") return NAMED_DATASETS[dataset];
  if ("images" in dataset) return imagesFacts(dataset.images);
  const { height, width, channels, classes, train_images, test_images } = dataset.synthetic;
  return {
    height,
    width,
    channels,
    classes,
    trainImages: train_images,
    testImages: test_images,
    // Generated images are drawn about mid-grey; see runtime/data/synthetic.ts.
    mean: Array.from({ length: channels }, () => 0.5),
    std: Array.from({ length: channels }, () => 0.25),
  };
}

/** How a picture becomes an image like those of the data set. */
export function pictureFit(dataset: DataConfig["dataset"]): PictureFit {
  if (typeof dataset === "object" && "images" in dataset) return dataset.images;
  const { height, width } = datasetFacts(dataset);
  return { size: { height, width }, resize: null, interpolation: "bilinear" };
}

/** How many of a data set's training images are trained on, and how many are kept as validation images: one at least of each. */
export function trainingSplit({ dataset, validation }: Pick<DataConfig, "dataset" | "validation">): {
  readonly trainImages: number;
  readonly validationImages: number;
} {
  const { trainImages: all } = datasetFacts(dataset);
  if (validation === null) return { trainImages: all, validationImages: 0 };
  const validationImages = Math.min(all - 1, Math.max(1, Math.round(all * validation)));
  return { trainImages: all - validationImages, validationImages };
}

/** Mean and deviation of ImageNet's photographs, which torchvision's models use too; their means over colours for grey. */
const PHOTOGRAPHS = {
  colour: { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] },
  grey: { mean: [0.449], std: [0.226] },
};

function imagesFacts({ size, grayscale, classes, train_images, test_images }: ImagesDataset): DatasetFacts {
  return {
    ...size,
    channels: grayscale ? 1 : 3,
    classes: classes.length,
    trainImages: train_images,
    testImages: test_images,
    ...(grayscale ? PHOTOGRAPHS.grey : PHOTOGRAPHS.colour),
  };
}
