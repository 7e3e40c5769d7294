// Augmentation of 8-bit training images: a list from the configuration becomes one function that copies an image to its
// place in a batch, changed. Neighbouring crops and flips only move pixels along rows and columns, so they fold into one
// pair of index maps and cost one copy together.
import type { Augmentation } from "../../compiler/config.js";
import { mixOf } from "../../compiler/mixed-labels.js";
import { RandomStream } from "../random/random-stream.js";
import { BLACK, createGather } from "./gather.js";
import type { ImageSize } from "./resize.js";

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
    for (const move of first!.moves) move(place, stream);
    gather(source, sourceOffset, target, targetOffset, place.rows.source, place.columns.source);
    first!.erase?.(target, targetOffset, stream);
    for (const { moves, erase } of others) {
      if (moves.length > 0) {
        for (let i = 0; i < bytes; i++) scratch[i] = target[targetOffset + i]!;
        reset(place);
        for (const move of moves) move(place, stream);
        gather(scratch, 0, target, targetOffset, place.rows.source, place.columns.source);
      }
      erase?.(target, targetOffset, stream);
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

type Move = (place: Placement, stream: RandomStream) => void;
type Erase = (image: Uint8Array, offset: number, stream: RandomStream) => void;

/** Some moves, made in one copy, then perhaps a patch to erase. */
interface Pass {
  readonly moves: readonly Move[];
  readonly erase: Erase | null;
}

/** Always yields at least one pass, so that an empty list still copies. */
function passesOf(list: readonly Augmentation[], options: AugmentOptions): readonly Pass[] {
  const passes: Pass[] = [];
  let moves: Move[] = [];
  for (const augmentation of list) {
    if (mixOf(augmentation)) continue; // changes whole batches: mix.ts
    if ("cutout" in augmentation) {
      passes.push({ moves, erase: cutout(augmentation.cutout, options) });
      moves = [];
    } else if ("random_crop" in augmentation) {
      moves.push(randomCrop(augmentation.random_crop));
    } else if ("horizontal_flip" in augmentation) {
      moves.push(horizontalFlip(augmentation.horizontal_flip));
    }
  }
  if (moves.length > 0 || passes.length === 0) passes.push({ moves, erase: null });
  return passes;
}

/** Pads every side and cuts the original size out anywhere (He et al. 2015, §4.2); draws the row, then the column. */
function randomCrop({ padding, mode }: { padding: number; mode: "zero" | "reflect" }): Move {
  const places = 2 * padding + 1;
  const outside = OUTSIDE[mode];
  return ({ rows, columns }, stream) => {
    shift(rows, stream.integer(places) - padding, outside);
    shift(columns, stream.integer(places) - padding, outside);
  };
}

/** What a place outside 0 … length − 1 shows. */
const OUTSIDE = {
  zero: () => BLACK,
  // The border itself is not repeated, as in torchvision; a padding wider than the image is reflected again.
  reflect: (place: number, length: number) => {
    if (length === 1) return 0;
    const period = 2 * (length - 1);
    const within = ((place % period) + period) % period;
    return within < length ? within : period - within;
  },
} satisfies Record<"zero" | "reflect", (place: number, length: number) => number>;

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

/**
 * Erases a square whose centre lies anywhere in the image, so that part of it may fall outside (DeVries and Taylor 2017,
 * §3.2); draws the row, then the column.
 */
function cutout({ size }: { size: number }, { height, width, channels, fill }: AugmentOptions): Erase {
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
