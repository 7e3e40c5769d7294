// Program → what data.py.hbs and randomness.py.hbs print: where images come from, how they are changed, what is drawn for it.
// Numbers stay in config.yaml, which the scripts read.
import type { Augmentation } from "../../../compiler/config.js";
import type { Program } from "../../../compiler/program.js";
import type { Purpose } from "../../random/random-stream.js";
import { PURPOSES } from "../../random/random-stream.js";
import { dictionary } from "./python.js";

export interface DataView {
  readonly summary: string;
  readonly imports: readonly string[];
  /** Python type of one image of the training set. */
  readonly sampleType: string;
  readonly cifar10: boolean;
  readonly synthetic: boolean;
  readonly folders: boolean;
  /** Whether all images are resized to one size. */
  readonly resizes: boolean;
  /** Whether single images are. */
  readonly scales: boolean;
  /** Whether images are changed one by one, at their own size. */
  readonly augments: boolean;
  readonly makers: string;
  /** Whether the file's list has entries that are none of `makers`. */
  readonly others: boolean;
  /** Either of the two after. */
  readonly shifts: boolean;
  readonly randomCrop: boolean;
  readonly translate: boolean;
  readonly alternatingFlip: boolean;
  readonly horizontalFlip: boolean;
  readonly cutout: boolean;
  readonly colorJitter: boolean;
  readonly resizedCrop: boolean;
  /** Either of the two after. */
  readonly mixes: boolean;
  readonly mixup: boolean;
  readonly cutmix: boolean;
  readonly mixName: string;
}

export interface RandomnessView {
  readonly purposes: string;
  readonly streamNormals: boolean;
  readonly uniforms: boolean;
  readonly normals: boolean;
  readonly betas: boolean;
}

type AugmentationKind = Augmentation extends infer Union ? (Union extends object ? keyof Union : Union) : never;

export function dataView({ config }: Program): DataView {
  const { dataset, resize, augment } = config.data;
  const [cifar10, folders] = [dataset === "cifar10", typeof dataset === "object" && "images" in dataset];
  const used = usedAugmentations(augment);
  const [mixup, cutmix, resizedCrop] = [used.has("mixup"), used.has("cutmix"), used.has("random_resized_crop")];
  const mixes = mixup || cutmix;
  const own = [...used].filter((name) => !WHOLE.has(name));
  const scales = resize !== null || resizedCrop || folders;
  const source = cifar10 ? "CIFAR-10" : folders ? "pictures in a folder for each class" : "generated";
  const pillow = [...(scales ? ["Image"] : []), ...(folders ? ["ImageOps"] : [])];
  return {
    summary: `The images: ${source}, changed at random for training, in batches.`,
    imports: [
      ...(folders ? ["import io"] : []),
      ...(folders || resizedCrop || cutmix ? ["import math"] : []),
      ...(cifar10 || folders ? ["import os"] : []),
      ...(folders ? ["import re"] : []),
      ...(cifar10 ? ["import tarfile"] : []),
      `from collections.abc import ${own.length > 0 ? "Callable, Iterator" : "Iterator"}`,
      ...(folders ? ["from concurrent.futures import ThreadPoolExecutor"] : []),
      "from dataclasses import dataclass",
      ...(own.length > 0 ? ["from functools import cached_property"] : []),
      ...(cifar10 || folders ? ["from pathlib import Path"] : []),
      "from typing import Any",
      "",
      "import numpy as np",
      "import torch",
      "from numpy.typing import NDArray",
      ...(pillow.length > 0 ? [`from PIL import ${pillow.join(", ")}`] : []),
      "from torch import Tensor",
      "from torch.utils.data import Dataset, DistributedSampler",
      "",
      ...(used.size > 0 ? ["from config import chosen"] : []),
      `from randomness import ${randomImports(own.length > 0 || mixes || resizedCrop || !cifar10, mixes)}`,
    ],
    sampleType: mixes ? "tuple[Images, int, tuple[int, int]]" : "tuple[Images, int]",
    cifar10,
    synthetic: !cifar10 && !folders,
    folders,
    resizes: resize !== null,
    scales,
    augments: own.length > 0,
    makers: dictionary(own.map((name) => [name, name])),
    others: own.length < used.size,
    shifts: used.has("random_crop") || used.has("translate"),
    randomCrop: used.has("random_crop"),
    translate: used.has("translate"),
    alternatingFlip: used.has("alternating_flip"),
    horizontalFlip: used.has("horizontal_flip"),
    cutout: used.has("cutout"),
    colorJitter: used.has("color_jitter"),
    resizedCrop,
    mixes,
    mixup,
    cutmix,
    mixName: cutmix ? "cutmix" : "mixup",
  };
}

/** These change whole batches, or take the place of resizing. */
const WHOLE: ReadonlySet<AugmentationKind> = new Set(["mixup", "cutmix", "random_resized_crop"] as const);

function usedAugmentations(augment: readonly Augmentation[]): Set<AugmentationKind> {
  return new Set(augment.map((item) => (typeof item === "string" ? item : (Object.keys(item)[0] as AugmentationKind))));
}

function randomImports(streams: boolean, betas: boolean): string {
  return [...(streams ? ["RandomStream"] : []), "permutation", ...(betas ? ["symmetric_beta"] : [])].join(", ");
}

export function randomnessView(
  { config }: Program,
  drawn: { readonly uniform: boolean; readonly normals: boolean },
): RandomnessView {
  const { dataset, augment } = config.data;
  const used = usedAugmentations(augment);
  const mixes = used.has("mixup") || used.has("cutmix");
  const isUsed: Readonly<Record<Purpose, boolean>> = {
    order: true,
    augmentation: [...used].some((name) => !WHOLE.has(name)),
    initialization: true,
    synthetic: typeof dataset === "object" && "synthetic" in dataset,
    mixing: mixes,
    alternation: used.has("alternating_flip"),
    cropping: used.has("random_resized_crop"),
    dropping: false, // PyTorch's own draws
    split: typeof dataset === "object" && "images" in dataset,
    validation: false, // refused
  };
  const purposes = Object.entries(PURPOSES).filter(([name]) => isUsed[name as Purpose]);
  return {
    purposes: dictionary(purposes.map(([name, value]) => [name, String(value)])),
    streamNormals: mixes,
    uniforms: drawn.uniform || drawn.normals,
    normals: drawn.normals,
    betas: mixes,
  };
}
