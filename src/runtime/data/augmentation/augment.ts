// Augmentation of 8-bit training images: a list from the configuration becomes one function that copies an image to its
// place in a batch, changed. Neighbouring crops and flips only move pixels along rows and columns, so they fold into one
// pair of index maps and cost one copy together.
import type { Augmentation, ColorJitterConfig } from "../../../compiler/config.js";
import { mixOf } from "../../../compiler/training/mixed-labels.js";
import { RandomStream } from "../../random/random-stream.js";
import { changeColors, drawColorChange } from "./color-jitter.js";
import { BLACK, createGather, reflected } from "../gather.js";
import { resizedCropOf } from "./random-resized-crop.js";
import type { ImageSize } from "../resize.js";

export interface AugmentOptions extends ImageSize {
  readonly channels: number;
  readonly seed: number;
  /** Colour of what cutout erases, 8-bit, one value a channel. */
  readonly fill: readonly number[];
}

/**
 * Reads one image [height, width, channels] at `sourceOffset` and writes the augmented one at `targetOffset`; the two
 * must not overlap. `index` is the image's place in its set: the draws depend on it, the epoch and the seed alone, and
 * are made in the order of the list.
 */
export type Augment = (
  source: Uint8Array,
  sourceOffset: number,
  target: Uint8Array,
  targetOffset: number,
  epoch: number,
  index: number,
) => void;

/** Prepares maps and scratch once; the function that comes back allocates nothing. */
export function createAugment(list: readonly Augmentation[], options: AugmentOptions): Augment {
  const { height, width, channels, seed } = options;
  const stream = new RandomStream(seed, "augmentation");
  const place: Placement = { rows: indexMap(height), columns: indexMap(width) };
  const gather = createGather(channels);
  const passes = passesOf(list, options);
  const bytes = height * width * channels;
  const scratch = new Uint8Array(bytes);
  return (source, sourceOffset, target, targetOffset, epoch, index) => {
    stream.restart(epoch, index);
    reset(place);
    const [first, ...others] = passes;
    for (const move of first!.moves) move(place, stream, epoch, index);
    gather(source, sourceOffset, target, targetOffset, place.rows.source, place.columns.source);
    first!.paint?.(target, targetOffset, stream);
    for (const { moves, paint } of others) {
      if (moves.length > 0) {
        for (let i = 0; i < bytes; i++) scratch[i] = target[targetOffset + i]!;
        reset(place);
        for (const move of moves) move(place, stream, epoch, index);
        gather(scratch, 0, target, targetOffset, place.rows.source, place.columns.source);
      }
      paint?.(target, targetOffset, stream);
    }
  };
}

interface Placement {
  readonly rows: IndexMap;
  readonly columns: IndexMap;
}

/** For each row or column of the target the one of the source that it shows, or BLACK; `spare` is scratch. */
interface IndexMap {
  readonly source: Int32Array;
  readonly spare: Int32Array;
}

type Move = (place: Placement, stream: RandomStream, epoch: number, index: number) => void;
type Paint = (image: Uint8Array, offset: number, stream: RandomStream) => void;

/** Some moves, made in one copy, then perhaps a change of values. */
interface Pass {
  readonly moves: readonly Move[];
  readonly paint: Paint | null;
}

/** Always yields at least one pass, so that an empty list still copies. */
function passesOf(list: readonly Augmentation[], options: AugmentOptions): readonly Pass[] {
  const passes: Pass[] = [];
  let moves: Move[] = [];
  for (const augmentation of list) {
    if (mixOf(augmentation)) continue; // changes whole batches: mix.ts
    if (resizedCropOf([augmentation])) continue; // takes the place of resizing: random-resized-crop.ts
    const change = changeOf(augmentation, options);
    if ("move" in change) {
      moves.push(change.move);
    } else {
      passes.push({ moves, paint: change.paint });
      moves = [];
    }
  }
  if (moves.length > 0 || passes.length === 0) passes.push({ moves, paint: null });
  return passes;
}

type Unmixed = Exclude<Augmentation, { mixup: unknown } | { cutmix: unknown } | { random_resized_crop: unknown }>;

function changeOf(
  augmentation: Augmentation,
  options: AugmentOptions,
): { readonly move: Move } | { readonly paint: Paint } {
  const unmixed = augmentation as Unmixed;
  if (unmixed === "alternating_flip") return { move: alternatingFlip(options) };
  if ("random_crop" in unmixed) return { move: shifted(unmixed.random_crop.padding, unmixed.random_crop.mode) };
  if ("translate" in unmixed) return { move: shifted(unmixed.translate.pixels, unmixed.translate.mode) };
  if ("horizontal_flip" in unmixed) return { move: horizontalFlip(unmixed.horizontal_flip) };
  if ("cutout" in unmixed) return { paint: cutout(unmixed.cutout, options) };
  return { paint: colorJitter(unmixed.color_jitter, options) };
}

/** Pads every side and cuts the original size out anywhere (He et al. 2015, §4.2); draws the row, then the column. */
function shifted(pixels: number, mode: "zero" | "reflect"): Move {
  const places = 2 * pixels + 1;
  const outside = OUTSIDE[mode];
  return ({ rows, columns }, stream) => {
    shift(rows, stream.integer(places) - pixels, outside);
    shift(columns, stream.integer(places) - pixels, outside);
  };
}

/** What a place outside 0 … length − 1 shows. */
const OUTSIDE = { zero: () => BLACK, reflect: reflected } satisfies Record<
  "zero" | "reflect",
  (place: number, length: number) => number
>;

/** Slides the whole map by `by` places. */
function shift({ source, spare }: IndexMap, by: number, outside: (place: number, length: number) => number): void {
  if (by === 0) return;
  const length = source.length;
  spare.set(source);
  for (let i = 0; i < length; i++) {
    const from = i + by;
    const inside = from >= 0 && from < length ? from : outside(from, length);
    source[i] = inside < 0 ? BLACK : spare[inside]!;
  }
}

function horizontalFlip({ probability }: { probability: number }): Move {
  return ({ columns }, stream) => {
    if (stream.uniform() < probability) columns.source.reverse();
  };
}

/** Whether an image is mirrored in even epochs or in odd ones is drawn once for all epochs (Jordan 2024, §3.6). */
function alternatingFlip({ seed }: AugmentOptions): Move {
  const alternation = new RandomStream(seed, "alternation");
  return ({ columns }, _stream, epoch, index) => {
    const first = alternation.restart(0, index).uint32() & 1;
    if (((first + epoch) & 1) === 1) columns.source.reverse();
  };
}

function colorJitter(settings: ColorJitterConfig, { height, width, channels }: AugmentOptions): Paint {
  return (image, offset, stream) => {
    changeColors(image, offset, height * width, channels, drawColorChange(settings, stream));
  };
}

/**
 * Erases a square whose centre lies anywhere in the image, so that part of it may fall outside (DeVries and Taylor 2017,
 * §3.2); draws the row, then the column.
 */
function cutout({ size }: { size: number }, { height, width, channels, fill }: AugmentOptions): Paint {
  const colour = Uint8Array.from(fill);
  return (image, offset, stream) => {
    const top = stream.integer(height) - (size >> 1);
    const left = stream.integer(width) - (size >> 1);
    const [right, bottom] = [Math.min(left + size, width), Math.min(top + size, height)];
    for (let y = Math.max(top, 0); y < bottom; y++) {
      for (let x = Math.max(left, 0); x < right; x++) {
        const pixel = offset + (y * width + x) * channels;
        for (let c = 0; c < channels; c++) image[pixel + c] = colour[c]!;
      }
    }
  };
}

function indexMap(length: number): IndexMap {
  return { source: new Int32Array(length), spare: new Int32Array(length) };
}

function reset({ rows, columns }: Placement): void {
  for (let y = 0; y < rows.source.length; y++) rows.source[y] = y;
  for (let x = 0; x < columns.source.length; x++) columns.source[x] = x;
}
