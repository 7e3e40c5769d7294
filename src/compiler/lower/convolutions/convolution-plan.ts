// Geometry of one convolution for the kernels: which algorithm, how much at once, and the tables of offsets that
// turn any kernel, stride and padding into the same matrix product.
import type { Window } from "../../network/graph.js";
import type { Dtype } from "../placement/layout.js";
import { elementBytes } from "../placement/layout.js";
import { FREQUENCY_GAP } from "../kernels/kernel-constants.js";

export interface ConvolutionSizes extends Window {
  readonly images: number;
  readonly height: number;
  readonly width: number;
  readonly inLanes: number;
  readonly outHeight: number;
  readonly outWidth: number;
  readonly outLanes: number;
  /** Pixels from one element of the kernel to the next; absent where it is 1. */
  readonly dilation?: readonly [height: number, width: number];
  /** How many groups, and the channels that each reads and writes; absent where there is one. */
  readonly groups?: { readonly count: number; readonly inputs: number; readonly outputs: number };
  /** How the maps lie in the heap; absent where both are float32. */
  readonly dtypes?: { readonly input: Dtype; readonly output: Dtype };
}

/** Bytes of input that one unit of work should keep in the second-level cache. */
const CACHE_BYTES = 256 * 1024;
/** Sums are split in a number of partial sums that does not depend on threads, so that bits do not either. */
const MAXIMUM_PARTIALS = 16;
const PARTIALS_BYTES = 16 * 1024 * 1024;
/** Most lanes of Winograd's kernels: their filters grow fourfold, to 38 MB at 512 lanes both ways. */
export const MAXIMUM_WINOGRAD_LANES = 640;

/** Whether it is 3×3 with stride 1 and padding 1. What computes the input's gradient needs its lanes by eight, too. */
export function suitsWinograd({ kernel, stride, padding, inLanes, outLanes }: ConvolutionSizes): boolean {
  const { top, bottom, left, right } = padding;
  const is3x3 = kernel[0] === 3 && kernel[1] === 3 && stride[0] === 1 && stride[1] === 1;
  const padsByOne = top === 1 && bottom === 1 && left === 1 && right === 1;
  return is3x3 && padsByOne && Math.max(inLanes, outLanes) <= MAXIMUM_WINOGRAD_LANES;
}

/**
 * Tiles of a unit of work, `tileBytes` each in the transformed domain: as many as fit into the second-level cache, but so
 * many that reading the filter does not cost more than its products, and so few that there are `units` shares of the work.
 */
export function tilesAtOnce(tiles: number, tileBytes: number, units = UNITS): number {
  const fitting = Math.min(MOST_TILES, (300 * 1024) / tileBytes);
  const worthAFilter = tileBytes > LARGE_TILE ? WORTH_A_LARGE_FILTER : WORTH_A_FILTER;
  const least = Math.min(worthAFilter, Math.max(FEWEST_TILES, tiles / units));
  return Math.ceil(Math.max(fitting, least) / 4) * 4;
}

/** Shares of the work where nothing is summed over them, so that they may depend on the threads. */
export function unitsFor(threads: number): number {
  return Math.max(2, threads * 2);
}

const MOST_TILES = 128;
/** Measured with 256 channels: 64 tiles are a fifth faster than 16. */
const WORTH_A_FILTER = 64;
/** Measured with 512 channels, whose filter comes from memory: 128 tiles are a seventh faster than 64. */
const WORTH_A_LARGE_FILTER = 128;
/** From about 340 channels in and out on, 36 frequencies each. */
const LARGE_TILE = 96 * 1024;
const FEWEST_TILES = 16;
/** Shares of the work that can go to different threads. */
const UNITS = 8;

/** Bytes of the `points`² matrices of a filter in the transformed domain, of F(4×4, 3×3) without. */
export function transformedFilterBytes({ inLanes, outLanes }: ConvolutionSizes, points = 6): number {
  return points ** 2 * (inLanes * outLanes * 4 + FREQUENCY_GAP);
}

export function winogradTiles({ images, height, width }: ConvolutionSizes, side = 4): number {
  return images * Math.ceil(height / side) * Math.ceil(width / side);
}

/** Partial sums for something of `bytes`, out of at most so many pieces of work. */
export function partialsFor(bytes: number, pieces: number): number {
  return Math.max(1, Math.min(MAXIMUM_PARTIALS, pieces, Math.max(4, Math.floor(PARTIALS_BYTES / bytes))));
}

export function filterBytes({ kernel, inLanes, outLanes, groups }: ConvolutionSizes): number {
  return kernel[0] * kernel[1] * (groups?.inputs ?? inLanes) * outLanes * 4;
}

export function multiplyAddsOf(sizes: ConvolutionSizes): number {
  const { images, outHeight, outWidth, kernel, inLanes, outLanes, groups } = sizes;
  return images * outHeight * outWidth * kernel[0] * kernel[1] * (groups?.inputs ?? inLanes) * outLanes;
}

/** As operands of a kernel for any window. */
export function windowOf({
  images,
  height,
  width,
  inLanes,
  outHeight,
  outWidth,
  outLanes,
  ...window
}: ConvolutionSizes) {
  return {
    images,
    height,
    width,
    inLanes,
    outHeight,
    outWidth,
    outLanes,
    kernelHeight: window.kernel[0],
    kernelWidth: window.kernel[1],
    strideHeight: window.stride[0],
    strideWidth: window.stride[1],
    paddingTop: window.padding.top,
    paddingLeft: window.padding.left,
  };
}

/** A thread's scratch: whole pages plus four lines, so that equal strides do not fall on the same cache sets. */
export function threadScratch(bytes: number): number {
  return Math.ceil(bytes / 4096) * 4096 + 256;
}

export function imageBytes(sizes: ConvolutionSizes): { input: number; output: number } {
  return {
    input: sizes.height * sizes.width * sizes.inLanes * elementBytes[sizes.dtypes?.input ?? "float32"],
    output: sizes.outHeight * sizes.outWidth * sizes.outLanes * elementBytes[sizes.dtypes?.output ?? "float32"],
  };
}

export function imagesAtOnce(sizes: ConvolutionSizes, partialCount: number): number {
  const { input, output } = imageBytes(sizes);
  const fitting = Math.floor(Math.max(CACHE_BYTES, filterBytes(sizes) / 4) / (input + output));
  return Math.max(1, Math.min(fitting, Math.ceil(sizes.images / partialCount)));
}

/** One call of convolve_direct: a matrix product over tiles of four pixels. */
export interface DirectPlan {
  /** What the offsets depend on: plans of the same key have the same. */
  readonly key: string;
  readonly offsetCount: number;
  /** A tile's four output offsets, then four input offsets a tap; -1 is the padding, or no pixel. */
  readonly offsets: () => readonly number[];
  readonly tiles: number;
  /** Images in a group; a group's tiles are the same in every group. */
  readonly imagesInGroup: number;
  readonly groups: number;
  /** First image of the call. */
  readonly firstImage: number;
  readonly groupsAtOnce: number;
}

/** What a direct product computes: for each of `pixels`, where its result goes and what each tap reads (-1: padding). */
export interface PixelMap {
  /** Names the pass and its geometry. */
  readonly key: string;
  readonly pixels: number;
  readonly outputPixel: (pixel: number) => number;
  readonly inputPixels: (pixel: number) => readonly number[];
  readonly taps: number;
  readonly inputLanes: number;
  readonly outputLanes: number;
  readonly inputImageBytes: number;
  readonly outputImageBytes: number;
}

/** Forward pass: every output pixel reads its window. */
export function forwardPixels(sizes: ConvolutionSizes): PixelMap {
  const { height, width, outWidth, kernel, stride, padding } = sizes;
  const { input, output } = imageBytes(sizes);
  return {
    key: `forward ${geometryKey(sizes)}`,
    pixels: sizes.outHeight * outWidth,
    outputPixel: (pixel) => pixel,
    inputPixels(pixel) {
      const [row, column] = [Math.floor(pixel / outWidth), pixel % outWidth];
      return taps(kernel).map(([r, s]) => {
        const y = row * stride[0] + r - padding.top;
        const x = column * stride[1] + s - padding.left;
        return y < 0 || y >= height || x < 0 || x >= width ? -1 : y * width + x;
      });
    },
    taps: kernel[0] * kernel[1],
    inputLanes: sizes.inLanes,
    outputLanes: sizes.outLanes,
    inputImageBytes: input,
    outputImageBytes: output,
  };
}

export interface ResidueClass {
  readonly map: PixelMap;
  /** Index of each tap in the filter. */
  readonly filterTaps: readonly number[];
}

/**
 * Input gradient: pixels with the same residue modulo the stride meet the same taps, so each class is a dense
 * product of its own; at stride 1 there is one class, the convolution with the flipped filter.
 */
export function inputGradientClasses(sizes: ConvolutionSizes): ResidueClass[] {
  const { height, width, outHeight, outWidth, kernel, stride, padding } = sizes;
  const { input, output } = imageBytes(sizes);
  const classes: ResidueClass[] = [];
  for (let classRow = 0; classRow < Math.min(stride[0], height); classRow++) {
    for (let classColumn = 0; classColumn < Math.min(stride[1], width); classColumn++) {
      const met = taps(kernel).filter(
        ([r, s]) =>
          (classRow + padding.top - r) % stride[0] === 0 && (classColumn + padding.left - s) % stride[1] === 0,
      );
      const rows = Math.floor((height - 1 - classRow) / stride[0]) + 1;
      const columns = Math.floor((width - 1 - classColumn) / stride[1]) + 1;
      const position = (pixel: number) =>
        [Math.floor(pixel / columns) * stride[0] + classRow, (pixel % columns) * stride[1] + classColumn] as const;
      const map: PixelMap = {
        key: `input gradient ${classRow},${classColumn} ${geometryKey(sizes)}`,
        pixels: rows * columns,
        outputPixel(pixel) {
          const [y, x] = position(pixel);
          return y * width + x;
        },
        inputPixels(pixel) {
          const [y, x] = position(pixel);
          return met.map(([r, s]) => {
            const row = (y + padding.top - r) / stride[0];
            const column = (x + padding.left - s) / stride[1];
            return row < 0 || row >= outHeight || column < 0 || column >= outWidth ? -1 : row * outWidth + column;
          });
        },
        taps: met.length,
        inputLanes: sizes.outLanes,
        outputLanes: sizes.inLanes,
        inputImageBytes: output,
        outputImageBytes: input,
      };
      classes.push({ map, filterTaps: met.map(([r, s]) => r * kernel[1] + s) });
    }
  }
  return classes;
}

/** Maps up to this size are tiled across images, so that a tap in the padding is skipped for a whole tile. */
const SMALL_MAP_PIXELS = 64;

/** Cuts a product into calls: whole groups of images, and what is left of the batch. */
export function planDirect(map: PixelMap, images: number): DirectPlan[] {
  const acrossImages = map.pixels <= SMALL_MAP_PIXELS;
  const wanted = acrossImages ? 4 : map.pixels % 4 === 0 ? 1 : map.pixels % 2 === 0 ? 2 : 4;
  const group = Math.min(wanted, images);
  const groups = Math.floor(images / group);
  const plans = [planGroups(map, acrossImages, group, groups, 0)];
  const left = images - groups * group;
  if (left > 0) plans.push(planGroups(map, acrossImages, left, 1, groups * group));
  return plans;
}

function planGroups(
  map: PixelMap,
  acrossImages: boolean,
  group: number,
  groups: number,
  firstImage: number,
): DirectPlan {
  const tiles = acrossImages ? map.pixels : Math.ceil((map.pixels * group) / 4);
  const inCache = Math.max(1, Math.floor(CACHE_BYTES / (map.inputImageBytes * group)));
  return {
    key: `${map.key} in groups of ${group}`,
    offsetCount: tiles * 4 * (map.taps + 1),
    offsets: () => tileOffsets(map, acrossImages, group, tiles),
    tiles,
    imagesInGroup: group,
    groups,
    firstImage,
    groupsAtOnce: Math.max(1, Math.min(Math.ceil(groups / 8), inCache)),
  };
}

function tileOffsets(map: PixelMap, acrossImages: boolean, group: number, tiles: number): number[] {
  const offsets: number[] = [];
  const place = (index: number): { pixel: number; image: number } | undefined => {
    const [image, pixel] = acrossImages
      ? [index % 4, Math.floor(index / 4)]
      : [Math.floor(index / map.pixels), index % map.pixels];
    return image < group ? { pixel, image } : undefined;
  };
  for (let tile = 0; tile < tiles; tile++) {
    const places = [0, 1, 2, 3].map((lane) => place(tile * 4 + lane));
    for (const at of places) {
      const address = at && map.outputPixel(at.pixel) * map.outputLanes * 4 + at.image * map.outputImageBytes;
      offsets.push(address ?? -1);
    }
    const inputs = places.map((at) => at && map.inputPixels(at.pixel));
    for (let tap = 0; tap < map.taps; tap++) {
      places.forEach((at, lane) => {
        const pixel = inputs[lane]?.[tap] ?? -1;
        offsets.push(at === undefined || pixel < 0 ? -1 : pixel * map.inputLanes * 4 + at.image * map.inputImageBytes);
      });
    }
  }
  return offsets;
}

function geometryKey({ images: _, ...geometry }: ConvolutionSizes): string {
  return JSON.stringify(geometry);
}

function taps(kernel: readonly [number, number]): (readonly [number, number])[] {
  return Array.from(
    { length: kernel[0] * kernel[1] },
    (_, tap) => [Math.floor(tap / kernel[1]), tap % kernel[1]] as const,
  );
}
