// A data set in memory: 8-bit images [count, height, width, channels] with their labels, in official order.

export interface ImageSet {
  readonly count: number;
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  readonly images: Uint8Array;
  readonly labels: Uint8Array | Uint16Array;
  /** Where each image comes from, as a path that its user knows; absent where images have no files of their own. */
  readonly files?: readonly string[];
}

export interface Dataset {
  readonly classes: readonly string[];
  readonly train: ImageSet;
  /** Kept from the training images, where the configuration says so. */
  readonly validation?: ImageSet;
  readonly test: ImageSet;
}
