// The `data` section of the language: which images, and what happens to them on the way to the network.
import type {
  Augmentation,
  ColorJitterConfig,
  DataConfig,
  ImagesDataset,
  MixConfig,
  ResizedCropConfig,
  SyntheticDataset,
} from "../../config.js";
import { boolean, choice, integer, list, map, number, options, shortForms, text } from "./forms.js";
import type { Key, MapForm, SettingsOf } from "./forms.js";

const pixels = { minimum: 1, maximum: 4096, unit: "pixels" };
const perChannel = (bounds: { readonly above?: number }) =>
  shortForms(list(number(bounds), 1, 16), [{ form: number(bounds), meaning: "the same for every channel" }]);

const square = (height: string, width: string) =>
  shortForms(
    map<NonNullable<DataConfig["resize"]>>({
      height: { form: integer(pixels), description: height, example: 96 },
      width: { form: integer(pixels), description: width, example: 96 },
    }),
    [
      {
        form: integer(pixels),
        meaning: "a square of that side",
        expand: (side: number) => ({ height: side, width: side }),
      },
    ],
  );

const synthetic = map<SyntheticDataset>({
  train_images: {
    form: integer({ minimum: 1, maximum: 1_000_000, unit: "images" }),
    description: "How many training images to generate.",
    default: 512,
  },
  test_images: {
    form: integer({ minimum: 1, maximum: 1_000_000, unit: "images" }),
    description: "How many test images to generate.",
    default: 128,
  },
  height: { form: integer(pixels), description: "Height of the generated images.", default: 16 },
  width: { form: integer(pixels), description: "Width of the generated images.", default: 16 },
  channels: {
    form: integer({ minimum: 1, maximum: 16, unit: "channels" }),
    description: "Colour channels of the generated images.",
    default: 3,
  },
  classes: {
    form: integer({ minimum: 2, maximum: 10_000, unit: "classes" }),
    description: "How many classes the generated images fall into.",
    default: 10,
  },
});

const images = map<ImagesDataset>({
  folder: {
    form: text,
    description:
      "A folder with a folder for each class, relative to where netc runs; or with `train` and `val` or `test` in it, each with a folder for each class.",
    example: "photos",
  },
  size: {
    form: square("Height that images are brought to.", "Width that images are brought to."),
    description: "The size that images are kept in: they are resized, as Pillow does, then the middle is cut out.",
    default: 64,
  },
  resize: {
    form: shortForms(
      map<{ height: number; width: number }>({
        height: { form: integer(pixels), description: "Height of the resized picture.", example: 256 },
        width: { form: integer(pixels), description: "Width of the resized picture.", example: 256 },
      }),
      [{ form: integer(pixels), meaning: "of the shorter side; the proportions stay" }],
    ),
    description:
      "What a picture is resized to before the middle of `size` is cut out of it, as for the weights that are started from.",
    default: null,
    absent: "as little as covers `size`",
    example: 256,
    source: "torchvision's Resize and CenterCrop",
  },
  interpolation: {
    form: choice({
      bilinear: "Pillow's bilinear, antialiased",
      bicubic: "Pillow's bicubic, antialiased: what many trained weights were tested with",
    }),
    description: "How pictures are resized.",
    default: "bilinear",
  },
  grayscale: { form: boolean, description: "Read images in one channel of grey.", default: false },
  validation_share: {
    form: number({ above: 0, below: 1 }),
    description:
      "The share of each class's images to test on, drawn by the seed; a folder with a split of its own keeps that.",
    default: 0.1,
  },
  broken: {
    form: choice({
      error: "training does not start, and each is named",
      skip: "they are named and left out",
    }),
    description: "What to do about images that cannot be read.",
    default: "error",
  },
  held_in: {
    form: choice({
      auto: "in memory, unless they would take more than half of the machine's; decided when the folder is counted",
      memory: "all of them, while training",
      disk: "in the cache's file, read ahead of the batches: larger sets than memory can be trained on",
    }),
    description: "Where the decoded images are while training; the numbers that come of it are the same.",
    default: "auto",
  },
  classes: {
    form: list(text, 2, 65_536),
    description: "What the classes are called, in the order of the logits.",
    derived: "the names of the folders, sorted",
    example: ["cat", "dog"],
  },
  train_images: {
    form: integer({ minimum: 1, maximum: 100_000_000, unit: "images" }),
    description: "How many images there are to train on.",
    derived: "counted in the folder",
    example: 900,
  },
  test_images: {
    form: integer({ minimum: 1, maximum: 100_000_000, unit: "images" }),
    description: "How many images there are to test on.",
    derived: "counted in the folder",
    example: 100,
  },
});

const mix = (alpha: Partial<Key>): MapForm =>
  map<MixConfig>({
    alpha: {
      form: number({ above: 0, maximum: 100 }),
      description:
        "Both parameters of the beta distribution that shares are drawn from: 1 makes every share as likely.",
      default: 1,
      ...alpha,
    },
    probability: {
      form: number({ minimum: 0, maximum: 1, unit: "probability" }),
      description: "The share of images that are mixed.",
      default: 1,
    },
  });

const border: Key = {
  form: choice({
    zero: "black: the value 0 before normalisation",
    reflect: "the image mirrored at its edge, the edge itself not repeated",
  }),
  description: "What lies beyond the image.",
  default: "zero",
};

const jitter = (what: string, maximum: number): Key => ({
  form: number({ minimum: 0, maximum }),
  description: what,
  default: 0,
  example: maximum < 1 ? 0.1 : 0.4,
});

const augmentation = options({
  random_resized_crop: {
    description:
      "Cut out a part of random area and proportions and bring it to the size of the network's images, in place of `resize`. It comes first in the list.",
    source: "Szegedy et al. 2014 (arXiv 1409.4842), section 6; torchvision's RandomResizedCrop",
    settings: map<ResizedCropConfig>({
      scale: {
        form: list(number({ above: 0, maximum: 1 }), 2, 2),
        description: "The smallest and the largest share of the image's area.",
        default: [0.08, 1],
        source: "torchvision's RandomResizedCrop",
      },
      ratio: {
        form: list(number({ above: 0, maximum: 100 }), 2, 2),
        description: "The narrowest and the widest proportion, width by height.",
        default: [0.75, 1.3333333333333333],
        source: "torchvision's RandomResizedCrop",
      },
    }),
  },
  random_crop: {
    description: "Pad every side, then cut a window of the original size at a random place.",
    source: "He et al. 2015 (arXiv 1512.03385), section 4.2",
    settings: map<SettingsOf<Augmentation, "random_crop">>({
      padding: {
        form: integer({ minimum: 1, maximum: 512, unit: "pixels" }),
        description: "Rows and columns added on each side before the cut.",
        default: 4,
        source: "He et al. 2015 (arXiv 1512.03385), section 4.2",
      },
      mode: { ...border, description: "What the padding holds." },
    }),
  },
  horizontal_flip: {
    description: "Mirror the image left to right.",
    settings: map<SettingsOf<Augmentation, "horizontal_flip">>({
      probability: {
        form: number({ minimum: 0, maximum: 1, unit: "probability" }),
        description: "The share of images that are mirrored.",
        default: 0.5,
      },
    }),
  },
  alternating_flip: {
    description:
      "Mirror every image left to right in every second epoch; which of the two epochs is drawn once for each image.",
    source: "Jordan 2024 (arXiv 2404.00498), section 3.6",
    settings: null,
  },
  translate: {
    description:
      "Move the image by up to so many pixels in each direction: what random_crop does by padding and cutting.",
    source: "Jordan 2024 (arXiv 2404.00498), with `pixels: 2` and `mode: reflect`",
    settings: map<SettingsOf<Augmentation, "translate">>({
      pixels: {
        form: integer({ minimum: 1, maximum: 512, unit: "pixels" }),
        description: "The furthest that the image is moved.",
        default: 2,
      },
      mode: border,
    }),
  },
  color_jitter: {
    description: "Change brightness, contrast, saturation and hue by random amounts, in a random order.",
    source: "torchvision's ColorJitter",
    settings: map<ColorJitterConfig>({
      brightness: jitter("Colours are multiplied by 1 - brightness to 1 + brightness, at least by 0.", 10),
      contrast: jitter("The same for the distance of each colour from the image's mean grey.", 10),
      saturation: jitter("The same for the distance of each colour from the pixel's own grey.", 10),
      hue: jitter("Hues move by up to this share of their circle, either way.", 0.5),
    }),
  },
  mixup: {
    description:
      "Blend each image with the one before it in its batch; the loss counts both labels by their shares. It comes last in the list.",
    source: "Zhang et al. 2017 (arXiv 1710.09412)",
    settings: mix({ source: "Zhang et al. 2017 (arXiv 1710.09412), section 3.2, for CIFAR-10" }),
  },
  cutmix: {
    description:
      "Paste a box of the image before it in the batch into each image; the loss counts both labels by their areas. It comes last in the list.",
    source: "Yun et al. 2019 (arXiv 1905.04899)",
    settings: mix({ source: "Yun et al. 2019 (arXiv 1905.04899), section 3.2" }),
  },
  cutout: {
    description: "Fill a square at a random place with the mean colour.",
    source: "DeVries and Taylor 2017 (arXiv 1708.04552)",
    settings: map<SettingsOf<Augmentation, "cutout">>({
      size: {
        form: integer({ minimum: 1, maximum: 4096, unit: "pixels" }),
        description: "Side of the square.",
        default: 16,
        source: "DeVries and Taylor 2017 (arXiv 1708.04552), section 4.3, for CIFAR-10",
      },
    }),
  },
});

export const data: MapForm = map<DataConfig>({
  dataset: {
    form: options({
      cifar10: {
        description: "CIFAR-10: 50,000 training and 10,000 test images of 32×32 pixels in 10 classes.",
        settings: null,
        source: "Krizhevsky 2009",
      },
      synthetic: {
        description: "Generated images, a function of the seed: for trying a file out without a download.",
        settings: synthetic,
      },
      images: {
        description:
          "Pictures of your own in a folder for each class: PNG, JPEG, WebP, GIF, TIFF or AVIF, of any size.",
        settings: images,
      },
    }),
    description: "The images to train and test on.",
    example: "cifar10",
  },
  path: {
    form: text,
    description:
      "A copy of the data set to read in place of the fetched one: for cifar10 the folder cifar-10-batches-bin or its tar.gz.",
    default: null,
    absent: "the copy that netc fetches into its cache",
    example: "downloads/cifar-10-binary.tar.gz",
  },
  validation: {
    form: number({ above: 0, below: 1 }),
    description:
      "The share of the training images that are not trained on: evaluations during training, `early_stop` and `keep_best` go by" +
      " them, and the test images are left for one evaluation at the end. Drawn by the seed, of every class its share.",
    default: null,
    absent: "evaluations during training go by the test images, so that whatever is chosen by them flatters the result",
    example: 0.1,
    source: "Hastie et al. 2009, The Elements of Statistical Learning, section 7.2",
  },
  resize: {
    form: square("Height after resizing.", "Width after resizing."),
    description: "Resize every image, as Pillow's bilinear does on 8-bit images, before any augmentation.",
    default: null,
    absent: "images keep their size",
    example: 96,
  },
  normalize: {
    form: shortForms(
      map<DataConfig["normalize"]>({
        mean: { form: perChannel({}), description: "Subtracted first, on the scale of 0 to 1.", example: 0.5 },
        std: { form: perChannel({ above: 0 }), description: "Divided by then, on the scale of 0 to 1.", example: 0.5 },
      }),
      [
        {
          form: { kind: "literal", value: "dataset" },
          meaning: "mean and standard deviation of the data set's own training images",
        },
      ],
    ),
    description: "Pixels become (x / 255 - mean) / std, channel by channel.",
    default: "dataset",
    example: { mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5] },
  },
  augment: {
    form: list(augmentation, 0, 16),
    description: "Random changes to training images, applied in this order, drawn anew each epoch.",
    default: [],
    example: [{ random_crop: { padding: 4 } }, "horizontal_flip"],
  },
});
