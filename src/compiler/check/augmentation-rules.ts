// Rules within the list of augmentations: entries that undo one another, stand in the wrong place or do not fit the images.
import type { Augmentation, ResolvedConfig } from "../config.js";
import { datasetFacts } from "../datasets.js";
import type { Diagnostic } from "../diagnostics/diagnostic.js";
import { mixOf } from "../training/mixed-labels.js";
import type { ConfigRule } from "./rule.js";

export const augmentationRules: readonly ConfigRule[] = [
  imagesAreMixedOnce,
  mixingComesLast,
  imagesAreFlippedOnce,
  colorsAreThere,
  resizedCropComesFirst,
  cropRangesRise,
];

/** It takes the place of resizing, which comes before any other change. */
function resizedCropComesFirst({ data }: ResolvedConfig): readonly Diagnostic[] {
  return indicesOf(data.augment, (augmentation) => nameOf(augmentation) === "random_resized_crop")
    .filter((index) => index > 0)
    .map((index) => ({
      code: "data/crop-not-first",
      severity: "error",
      message: `random_resized_crop brings images to their size, but ${nameOf(data.augment[0]!)} comes before it`,
      path: ["data", "augment", index],
      hint: "move `random_resized_crop` to the beginning of the list, once",
      related: [{ message: "this comes before it", path: ["data", "augment", 0] }],
    }));
}

function cropRangesRise({ data }: ResolvedConfig): readonly Diagnostic[] {
  return data.augment.flatMap((augmentation, index): Diagnostic[] => {
    if (augmentation === "alternating_flip" || !("random_resized_crop" in augmentation)) return [];
    const { random_resized_crop: settings } = augmentation;
    return (["scale", "ratio"] as const)
      .filter((key) => settings[key][0]! > settings[key][1]!)
      .map((key) => ({
        code: "data/range-order",
        severity: "error",
        message: `${key} goes from ${settings[key][0]} down to ${settings[key][1]}`,
        path: ["data", "augment", index, "random_resized_crop", key],
        hint: `write \`${key}: [${settings[key][1]}, ${settings[key][0]}]\``,
      }));
  });
}

function imagesAreMixedOnce({ data }: ResolvedConfig): readonly Diagnostic[] {
  const [first, ...others] = indicesOf(data.augment, (augmentation) => mixOf(augmentation) !== null);
  return others.map((index) => ({
    code: "data/mixed-twice",
    severity: "error",
    message: `${nameOf(data.augment[index]!)} mixes images that ${nameOf(data.augment[first!]!)} has mixed already; an image can have two labels, not more`,
    path: ["data", "augment", index],
    hint: "keep one of them",
    related: [{ message: "images are mixed here first", path: ["data", "augment", first!] }],
  }));
}

function mixingComesLast({ data }: ResolvedConfig): readonly Diagnostic[] {
  const [mixing] = indicesOf(data.augment, (augmentation) => mixOf(augmentation) !== null);
  const later = data.augment.findIndex((augmentation, index) => index > mixing! && mixOf(augmentation) === null);
  if (mixing === undefined || later === -1) return [];
  const name = nameOf(data.augment[mixing]!);
  return [
    {
      code: "data/mixing-not-last",
      severity: "error",
      message: `${name} mixes finished images, but ${nameOf(data.augment[later]!)} comes after it`,
      path: ["data", "augment", mixing],
      hint: `move \`${name}\` to the end of the list`,
      related: [{ message: "this comes after it", path: ["data", "augment", later] }],
    },
  ];
}

/** A flip by chance undoes what alternation is for: that every two epochs show each image once from either side. */
function imagesAreFlippedOnce({ data }: ResolvedConfig): readonly Diagnostic[] {
  const [alternating] = indicesOf(data.augment, (augmentation) => augmentation === "alternating_flip");
  const others = indicesOf(data.augment, (augmentation) => nameOf(augmentation) === "horizontal_flip");
  if (alternating === undefined) return [];
  return others.map((index) => ({
    code: "data/flipped-twice",
    severity: "error",
    message: "horizontal_flip mirrors at random what alternating_flip shows from either side in turn",
    path: ["data", "augment", index],
    hint: "keep one of them",
    related: [{ message: "the alternation is asked for here", path: ["data", "augment", alternating] }],
  }));
}

function colorsAreThere({ data }: ResolvedConfig): readonly Diagnostic[] {
  const { channels } = datasetFacts(data.dataset);
  if (channels === 3) return [];
  return data.augment.flatMap((augmentation, index): Diagnostic[] => {
    if (augmentation === "alternating_flip" || !("color_jitter" in augmentation)) return [];
    return [
      {
        code: "data/color-channels",
        severity: "error",
        message: `color_jitter changes red, green and blue, but the images have ${channels} ${channels === 1 ? "channel" : "channels"}`,
        path: ["data", "augment", index],
        hint: "take `color_jitter` out",
        related: [{ message: "the data set is set here", path: ["data", "dataset"] }],
      },
    ];
  });
}

function indicesOf(list: readonly Augmentation[], matches: (augmentation: Augmentation) => boolean): number[] {
  return list.flatMap((augmentation, index) => (matches(augmentation) ? [index] : []));
}

function nameOf(augmentation: Augmentation): string {
  return typeof augmentation === "string" ? augmentation : Object.keys(augmentation)[0]!;
}
