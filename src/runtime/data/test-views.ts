// Test-time augmentation: the other views of each test image whose logits are averaged with those of the image itself.
import type { ResolvedConfig } from "../../compiler/config.js";
import { createGather, reflected } from "./gather.js";

export interface TestViews {
  /** Weight of the images as they are; all weights add up to 1. */
  readonly weight: number;
  readonly others: readonly TestView[];
}

export interface TestView {
  readonly weight: number;
  /** The images [count, height, width, channels] as this view has them; its result is used again by its next call. */
  readonly show: (images: Uint8Array) => Uint8Array;
}

/** The part of a configuration that views depend on. */
export interface TestViewConfig {
  readonly model: Pick<ResolvedConfig["model"], "input">;
  readonly train: { readonly evaluation: Pick<ResolvedConfig["train"]["evaluation"], "flip" | "translate"> };
}

export function testViews({ model, train }: TestViewConfig): TestViews {
  const [own, ...others] = viewsOf(train.evaluation);
  return {
    weight: own!.weight,
    others: others.map(({ by, isMirrored, weight }) => ({ weight, show: viewOf(model.input, by, isMirrored) })),
  };
}

/** How a view shows an image: moved by `by` pixels up and left, then mirrored left to right. */
export interface ViewPlan {
  readonly by: number;
  readonly isMirrored: boolean;
  readonly weight: number;
}

/**
 * All views, the image as it is first. It has half of the weight, two moved ones a quarter each, and a mirror image shares
 * the weight of what it mirrors (Jordan 2024, arXiv 2404.00498, §3.5).
 */
export function viewsOf({ flip, translate }: TestViewConfig["train"]["evaluation"]): readonly ViewPlan[] {
  const shifts =
    translate === 0
      ? [{ by: 0, weight: 1 }]
      : [
          { by: 0, weight: 1 / 2 },
          { by: -translate, weight: 1 / 4 },
          { by: translate, weight: 1 / 4 },
        ];
  const mirrorings = flip ? [false, true] : [false];
  return shifts.flatMap(({ by, weight }) =>
    mirrorings.map((isMirrored) => ({ by, isMirrored, weight: weight / mirrorings.length })),
  );
}

/** Moved by `by` pixels up and left, the border mirrored beyond the image; then mirrored left to right. */
export function viewOf(
  { height, width, channels }: ResolvedConfig["model"]["input"],
  by: number,
  isMirrored: boolean,
): TestView["show"] {
  const rows = Int32Array.from({ length: height }, (_, y) => reflected(y + by, height));
  const columns = Int32Array.from({ length: width }, (_, x) => reflected(x + by, width));
  if (isMirrored) columns.reverse();
  const gather = createGather(channels);
  const bytes = height * width * channels;
  let shown = new Uint8Array(0);
  return (images) => {
    if (shown.length !== images.length) shown = new Uint8Array(images.length);
    for (let at = 0; at < images.length; at += bytes) gather(images, at, shown, at, rows, columns);
    return shown;
  };
}
