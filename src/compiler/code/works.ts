// What machine code does of a convolution's pass: how it is cut into units that any thread may run, which memory it takes, and which
// kernels a unit calls at which addresses. Cuts follow from the sizes alone, so that bits depend neither on threads nor on the
// instruction set. Addresses are bytes; the kernels are emitted by whoever runs them.
import type { ConvolutionPass } from "../lower/convolutions/convolution-task.js";
import type { ConvolutionSizes } from "../lower/convolutions/convolution-plan.js";
import type { Dtype } from "../lower/placement/layout.js";
import { elementBytes } from "../lower/placement/layout.js";
import { Assembler } from "./asm-x64.js";
import { filterGradient } from "./direct-gradient.js";
import type { DirectSizes } from "./direct.js";
import { convolution, inputGradient } from "./direct.js";
import { addSlots, clear, rowsToPanel } from "./fills.js";
import { groupConvolution, groupInputGradient } from "./groups/gather.js";
import { groupFilterGradient } from "./groups/gradient.js";
import type { GroupSizes, Join } from "./groups/lanes.js";
import type { InstructionSet, Panels, PanelShape } from "./instruction-set.js";
import { panelsOf, REGISTERS } from "./instruction-set.js";
import { imagesToPairs, narrow, rowsToPairs, widen } from "./stored-maps.js";
import { FILTER_SCRATCH_BYTES, filterToPanel, flippedPanel, sumsToFilter } from "./winograd-filters.js";
import type { FusedNorm } from "./norms/fused.js";
import { NORM_EMITTERS } from "./norms/norm-works.js";
import { winogradGradient } from "./winograd-gradient.js";
import { FREQUENCIES, geometryOf, TILE } from "./winograd-tiles.js";
import { winograd } from "./winograd.js";

/** The kernels by their names, each emitted of plain data. */
const EMITTERS = {
  winograd,
  winogradGradient,
  convolution,
  inputGradient,
  filterGradient,
  groupConvolution,
  groupInputGradient,
  groupFilterGradient,
  filterToPanel,
  flippedPanel,
  sumsToFilter,
  rowsToPanel,
  clear,
  addSlots,
  widen,
  narrow,
  rowsToPairs,
  imagesToPairs,
  ...NORM_EMITTERS,
} satisfies Readonly<Record<string, (...all: never[]) => Uint8Array>>;
type Emitter = keyof typeof EMITTERS;

/** A kernel to be emitted: plain data, from which the same bytes follow each time. */
export type Code = {
  readonly [E in Emitter]: { readonly name: E; readonly of: DataOf<(typeof EMITTERS)[E]> };
}[Emitter];

/** Without the assembler that the last parameter stands for. */
type DataOf<F extends (...all: never[]) => Uint8Array> = Parameters<F> extends [...infer Data, unknown?] ? Data : never;

/** What a kernel is called with, in the order of its operands. */
export const OPERANDS: Readonly<Record<Emitter, readonly string[]>> = {
  winograd: ["input", "transformed filter", "output", "scratch", "bias", "residual"],
  winogradGradient: ["input", "sums", "output's gradient", "scratch"],
  convolution: ["input", "filter", "output", "bias", "residual"],
  inputGradient: ["output's gradient", "filter", "input's gradient", "bias", "residual"],
  filterGradient: ["input", "output's gradient", "sums"],
  filterToPanel: ["filter", "panel", "scratch"],
  flippedPanel: ["filter", "panel"],
  sumsToFilter: ["slots", "filter's gradient", "scratch"],
  rowsToPanel: ["filter", "panel"],
  clear: ["sums"],
  addSlots: ["slots", "filter's gradient"],
  groupConvolution: ["input", "filter", "output", "bias", "residual"],
  groupInputGradient: ["output's gradient", "filter", "input's gradient", "bias", "residual"],
  groupFilterGradient: ["input", "output's gradient", "sums"],
  widen: ["bfloat16 numbers", "float32 numbers"],
  narrow: ["float32 numbers", "bfloat16 numbers"],
  rowsToPairs: ["filter", "panel of pairs"],
  imagesToPairs: ["image", "map of pairs", "other image"],
  normSums: ["words of operands", "bytes to the first pixel", "pixels", "sums"],
  normStatistics: ["words of operands"],
  normApplied: ["words of operands", "bytes to the first pixel", "pixels", "normalised"],
  normGradientSums: ["words of operands", "bytes to the first pixel", "pixels", "sums"],
  normGradientCoefficients: ["words of operands"],
  normGradientApplied: ["words of operands", "bytes to the first pixel", "pixels"],
};

export function emit({ name, of }: Code, a = new Assembler()): Uint8Array {
  const emitter = EMITTERS[name] as (...all: unknown[]) => Uint8Array;
  return emitter(...of, a);
}

/** Addresses of whole tensors; those that a pass has not mean nothing. */
export interface WorkAddresses {
  /** The map before the convolution, or its gradient. */
  readonly input: number;
  /** The map behind it, or its gradient. */
  readonly output: number;
  readonly weights: number;
  readonly bias: number;
  readonly packed: number;
  readonly weightGradient: number;
  readonly partials: number;
  readonly hasBias: boolean;
  /** Whether an input's gradient is added to what is there. */
  readonly adds: boolean;
  /** What is left to the units of norms beside the convolution. */
  readonly norm?: FusedNorm;
}

export type Call = (code: Code, ...operands: readonly number[]) => void;
type Phase = (unit: number, at: WorkAddresses, scratch: number, call: Call) => void;

export interface CodeWork {
  /** Bytes of a filter as its kernel reads it, or of a partial gradient. */
  readonly packedBytes: number;
  readonly scratchBytes: number;
  readonly units: number;
  /** That a unit works on at a time; absent where norms beside the convolution cannot be left to it. */
  readonly imagesAtOnce?: number;
  /** In how many parts a filter is packed, or partial gradients are added. */
  readonly pieces: number;
  readonly pack: Phase;
  readonly multiply: Phase;
  readonly unpack: Phase;
}

/** Undefined where the method does not suit the sizes. */
export type CodeMethod = (set: InstructionSet, sizes: ConvolutionSizes) => CodeWork | undefined;

export const CODE_METHODS: Readonly<Record<string, Readonly<Partial<Record<ConvolutionPass, CodeMethod>>>>> = {
  winograd: {
    forward: (set, sizes) => winogradWork(set, sizes, false),
    "input gradient": (set, sizes) => winogradWork(set, sizes, true),
    "weight gradient": winogradGradientWork,
  },
  direct: {
    forward: (set, sizes) => directWork(set, sizes, false),
    "input gradient": (set, sizes) => directWork(set, sizes, true),
    "weight gradient": (set, sizes) => directGradientWork(set, sizes),
  },
  // On processors with AVX-512 BF16
  bfloat16: {
    forward: (set, sizes) => directWork(set, sizes, false, true),
    "input gradient": (set, sizes) => directWork(set, sizes, true, true),
    "weight gradient": (set, sizes) => directGradientWork(set, sizes, true),
  },
  groups: {
    forward: (set, sizes) => groupsWork(set, sizes, false),
    "input gradient": (set, sizes) => groupsWork(set, sizes, true),
    "weight gradient": groupsGradientWork,
  },
};

/** Maps of a unit stay in a core's second-level cache, and leave it room. */
const CACHE_BYTES = 600_000;
/** So many units at least, for threads to share. */
const LEAST_UNITS = 8;
/** With more channels a unit of few images would read a filter that is larger than its tiles: there, fewer and larger units. */
const NARROW_WINOGRAD = 128;
const [BYTES_OF_WIDE, LEAST_UNITS_OF_WIDE] = [5_000_000, 4];
/** Partial gradients: few enough to be added quickly, enough for threads to share. */
const [SLOTS, SLOTS_OF_LARGE_FILTERS] = [8, 4];
const LARGE_FILTER = 64 * 64;

const none: Phase = () => undefined;

/** Where some images of the input are, normalised in the thread's memory where that is left to it; they are float32 then. */
function normalisedAt(
  { norm }: WorkAddresses,
  { pixels }: StoredMap,
  first: number,
  images: number,
  call: Call,
): number | undefined {
  return norm?.normalise?.(first * pixels, images * pixels, call);
}

/** The same, or where they are stored. */
function inputAt(at: WorkAddresses, map: StoredMap, first: number, images: number, call: Call): number {
  return normalisedAt(at, map, first, images, call) ?? at.input + first * map.imageBytes;
}

/** The most images that divide the batch into `least` units or more and take no more bytes. */
function imagesAtOnce(images: number, bytesOfImage: number, most: number, least: number): number {
  let best = 1;
  for (let n = 1; n <= images / least; n++) if (images % n === 0 && n * bytesOfImage <= most) best = n;
  return best;
}

/** Of a tensor of `count` numbers. */
const bytesOf = (...sides: readonly number[]): number => 4 * sides.reduce((product, side) => product * side, 1);

/** How the maps of a pass are stored, and pixels and bytes of an image of each. */
function mapsOf({ dtypes, height, width, inLanes, outHeight, outWidth, outLanes }: ConvolutionSizes) {
  const { input, output } = dtypes ?? { input: "float32", output: "float32" };
  const map = (dtype: Dtype, pixels: number, lanes: number) => {
    return { dtype, pixels, imageBytes: pixels * lanes * elementBytes[dtype] };
  };
  return { input: map(input, height * width, inLanes), output: map(output, outHeight * outWidth, outLanes) };
}

function suitsWinograd(sizes: ConvolutionSizes): boolean {
  const { kernel, stride, padding, inLanes, outLanes } = sizes;
  const isWindow = kernel[0] === 3 && kernel[1] === 3 && stride[0] === 1 && stride[1] === 1;
  const isPadded = [padding.top, padding.left, padding.bottom, padding.right].every((side) => side === 1);
  return isWindow && isPadded && inLanes % 8 === 0 && outLanes % 8 === 0;
}

const isWide = ({ inLanes, outLanes }: ConvolutionSizes): boolean => Math.max(inLanes, outLanes) > NARROW_WINOGRAD;

/** The panel that a piece is of, and its first column. */
function pieceOf(
  panels: readonly Panels[],
  piece: number,
): { readonly panel: Omit<Panels, "count">; readonly column: number } {
  let rest = piece;
  for (const { count, ...panel } of panels) {
    if (rest < count) return { panel, column: panel.column + rest * panel.columns };
    rest -= count;
  }
  throw new Error(`there is no piece ${piece}`);
}

function shapeOf({ vectors, bytes, columns }: PanelShape): PanelShape {
  return { vectors, bytes, columns };
}

const piecesOf = (panels: readonly Panels[]): number => panels.reduce((sum, { count }) => sum + count, 0);

/** Forward, or with `flips` the input's gradient: the same convolution of a flipped filter. */
function winogradWork(set: InstructionSet, sizes: ConvolutionSizes, flips: boolean): CodeWork | undefined {
  if (!suitsWinograd(sizes)) return undefined;
  const { images: all, height, width, inLanes, outLanes } = sizes;
  const [depth, columns] = flips ? [outLanes, inLanes] : [inLanes, outLanes];
  const tiles = Math.ceil(height / TILE) * Math.ceil(width / TILE);
  const [most, least] = isWide(sizes) ? [BYTES_OF_WIDE, LEAST_UNITS_OF_WIDE] : [CACHE_BYTES, LEAST_UNITS];
  const images = imagesAtOnce(all, tiles * bytesOf(FREQUENCIES, depth + columns), most, least);
  const maps = mapsOf(sizes);
  const [from, to] = flips ? [maps.output, maps.input] : [maps.input, maps.output];
  const map = { images, height, width, depth, columns, stored: [from.dtype, to.dtype] as const };
  const { scratchBytes, filterFrequency } = geometryOf(set, map);
  const panels = panelsOf(set, columns);
  const widest = Math.max(...panels.map((panel) => panel.columns));
  return {
    packedBytes: FREQUENCIES * filterFrequency,
    scratchBytes: Math.max(scratchBytes, bytesOf(9, depth, widest) + FILTER_SCRATCH_BYTES),
    units: all / images,
    imagesAtOnce: images,
    pieces: piecesOf(panels),
    pack(piece, { weights, packed }, scratch, call) {
      const { panel, column } = pieceOf(panels, piece);
      const to = packed + bytesOf(depth, column);
      const shape = shapeOf(panel);
      if (!flips) {
        const strides = { row: bytesOf(columns), tap: bytesOf(depth, columns) };
        call({ name: "filterToPanel", of: [set, map, shape, strides] }, weights + bytesOf(column), to, scratch);
        return;
      }
      const strides = { row: bytesOf(panel.columns), tap: bytesOf(depth, panel.columns) };
      const flipped = scratch + FILTER_SCRATCH_BYTES;
      call(
        { name: "flippedPanel", of: [{ taps: 9, inLanes, outLanes, columns: panel.columns }] },
        weights + bytesOf(column, outLanes),
        flipped,
      );
      call({ name: "filterToPanel", of: [set, map, shape, strides] }, flipped, to, scratch);
    },
    multiply(unit, at, scratch, call) {
      const { input, output, packed, bias, hasBias, adds } = at;
      const pixels = images * height * width;
      const source = flips ? output + unit * images * from.imageBytes : inputAt(at, from, unit * images, images, call);
      const target = (flips ? input : output) + unit * images * to.imageBytes;
      const options = { ...map, bias: !flips && hasBias, residual: flips && adds };
      call({ name: "winograd", of: [set, options] }, source, packed, target, scratch, bias, target);
      at.norm?.sum?.(unit, unit * pixels, pixels, call);
    },
    unpack: none,
  };
}

function winogradGradientWork(set: InstructionSet, sizes: ConvolutionSizes): CodeWork | undefined {
  // Sums of a wide filter, for each slot, would be more memory than its products save time
  if (!suitsWinograd(sizes) || isWide(sizes)) return undefined;
  const { images: all, height, width, inLanes: depth, outLanes: columns } = sizes;
  const slots = slotsOf(all, depth * columns);
  const ofSlot = all / slots;
  const tiles = Math.ceil(height / TILE) * Math.ceil(width / TILE);
  const images = imagesAtOnce(ofSlot, tiles * bytesOf(FREQUENCIES, depth + columns), CACHE_BYTES * 0.7, 1);
  const maps = mapsOf(sizes);
  const stored = [maps.input.dtype, maps.output.dtype] as const;
  const map = { images, height, width, depth, columns, stored };
  const { scratchBytes, filterFrequency } = geometryOf(set, map);
  const slotBytes = FREQUENCIES * filterFrequency;
  const pieces = 8;
  const values = (depth * columns) / pieces;
  const isEven = values % REGISTERS.avx512.lanes === 0;
  return {
    packedBytes: slotBytes,
    scratchBytes: scratchBytes + FILTER_SCRATCH_BYTES,
    units: slots,
    imagesAtOnce: images,
    pieces: isEven ? pieces : 1,
    pack: none,
    multiply(slot, at, scratch, call) {
      const { output, partials } = at;
      const units = ofSlot / images;
      for (let i = 0; i < units; i++) {
        const unit = slot * units + i;
        const sums = partials + slot * slotBytes;
        call(
          { name: "winogradGradient", of: [set, map, i === 0] },
          inputAt(at, maps.input, unit * images, images, call),
          sums,
          output + unit * images * maps.output.imageBytes,
          scratch,
        );
      }
    },
    unpack(piece, { partials, weightGradient }, scratch, call) {
      const count = isEven ? values : depth * columns;
      const offset = piece * bytesOf(count);
      call(
        { name: "sumsToFilter", of: [set, map, { slots, values: count }] },
        partials + offset,
        weightGradient + offset,
        scratch,
      );
    },
  };
}

/** As many slots as share the images out evenly. */
function slotsOf(images: number, filter: number): number {
  const most = filter > LARGE_FILTER ? SLOTS_OF_LARGE_FILTERS : SLOTS;
  for (let slots = most; slots > 1; slots--) if (images % slots === 0) return slots;
  return 1;
}

function directSizes(
  { height, width, inLanes, outHeight, outWidth, outLanes, kernel, stride, padding }: ConvolutionSizes,
  images: number,
): DirectSizes {
  const { top, left } = padding;
  return {
    images,
    height,
    width,
    depth: inLanes,
    outHeight,
    outWidth,
    columns: outLanes,
    window: kernel,
    stride,
    padding: { top, left },
  };
}

type StoredMap = ReturnType<typeof mapsOf>["input"];

/** Scratch memory for a map that is read pixel by pixel, more often than it pays to convert it. */
function convertedBytes({ dtype }: StoredMap, wanted: Dtype, count: number): number {
  return dtype === wanted ? 0 : Math.ceil((count * elementBytes[wanted]) / 64) * 64;
}

/** Where so many numbers of a map are as wanted: in scratch memory where they are not stored so. */
function converted(
  set: InstructionSet,
  { dtype }: StoredMap,
  wanted: Dtype,
  count: number,
  stored: number,
  scratch: number,
  call: Call,
): number {
  if (dtype === wanted) return stored;
  call({ name: wanted === "float32" ? "widen" : "narrow", of: [set, count] }, stored, scratch);
  return scratch;
}

/** Whether factors may be rounded to bfloat16: where a map is. */
function suitsPairs(set: InstructionSet, { dtypes }: ConvolutionSizes): boolean {
  return set === "avx512" && dtypes !== undefined && Object.values(dtypes).includes("bfloat16");
}

/** Images have three channels and a lane of zeros. */
const channelsOf = (lanes: number): number => (lanes === 4 ? 3 : lanes);
/** Code of a window of many taps is long, and emitting it takes longer than it saves. */
const MOST_TAPS = 49;

/** With `pairs`, factors are bfloat16, two of them multiplied at a time. */
function directWork(set: InstructionSet, sizes: ConvolutionSizes, flips: boolean, pairs = false): CodeWork | undefined {
  const { images: all, height, width, inLanes, outHeight, outWidth, outLanes, kernel } = sizes;
  const taps = kernel[0] * kernel[1];
  const [depth, columns] = flips ? [outLanes, inLanes] : [inLanes, outLanes];
  if (depth % 4 !== 0 || columns % 8 !== 0 || taps > MOST_TAPS || (pairs && !suitsPairs(set, sizes))) return undefined;
  const maps = mapsOf(sizes);
  const [from, to] = flips ? [maps.output, maps.input] : [maps.input, maps.output];
  const [inImage, outImage] = [bytesOf(height, width, inLanes), bytesOf(outHeight, outWidth, outLanes)];
  const images = imagesAtOnce(all, inImage + outImage, CACHE_BYTES, LEAST_UNITS);
  const plain = directSizes(sizes, images);
  const map = {
    ...plain,
    ...(pairs ? (flips ? { columns: depth / 2 } : { depth: depth / 2 }) : { channels: channelsOf(inLanes) }),
    ...{ stored: to.dtype, pairs },
  };
  const fromCount = (images * (flips ? outImage : inImage)) / 4;
  const factors = pairs ? "bfloat16" : "float32";
  const panels = panelsOf(set, columns);
  const rows = taps * depth;
  const bytesOfColumn = bytesOf(rows) / (pairs ? 2 : 1);
  const flippedBytes = flips && pairs ? bytesOf(rows, Math.max(...panels.map((panel) => panel.columns))) : 0;
  return {
    packedBytes: bytesOfColumn * columns,
    scratchBytes: Math.max(64, flippedBytes, convertedBytes(from, factors, fromCount)),
    units: all / images,
    imagesAtOnce: images,
    pieces: piecesOf(panels),
    pack(piece, { weights, packed }, scratch, call) {
      const { panel, column } = pieceOf(panels, piece);
      const to = packed + bytesOfColumn * column;
      const brought = pairs ? "rowsToPairs" : "rowsToPanel";
      if (!flips) {
        call({ name: brought, of: [rows, columns, shapeOf(panel)] }, weights + bytesOf(column), to);
        return;
      }
      const flipped = { taps, inLanes, outLanes, columns: panel.columns };
      const from = weights + bytesOf(column, outLanes);
      call({ name: "flippedPanel", of: [flipped] }, from, pairs ? scratch : to);
      if (pairs) call({ name: brought, of: [rows, panel.columns, shapeOf(panel)] }, scratch, to);
    },
    multiply(unit, at, scratch, call) {
      const { input, output, packed, bias, hasBias, adds } = at;
      const stored = flips ? output + unit * images * from.imageBytes : inputAt(at, from, unit * images, images, call);
      const target = (flips ? input : output) + unit * images * to.imageBytes;
      const source = converted(set, from, factors, fromCount, stored, scratch, call);
      if (flips)
        call({ name: "inputGradient", of: [set, { ...map, residual: adds }] }, source, packed, target, 0, target);
      else call({ name: "convolution", of: [set, { ...map, bias: hasBias }] }, source, packed, target, bias);
      at.norm?.sum?.(unit, unit * images * to.pixels, images * to.pixels, call);
    },
    unpack: none,
  };
}

/** With `pairs`, images are brought together by twos, whose products are added at a time. */
function directGradientWork(set: InstructionSet, sizes: ConvolutionSizes, pairs = false): CodeWork | undefined {
  const { images: all, height, width, inLanes: depth, outHeight, outWidth, outLanes: columns, kernel } = sizes;
  const taps = kernel[0] * kernel[1];
  if (depth % 4 !== 0 || columns % 8 !== 0 || taps > MOST_TAPS || (pairs && !suitsPairs(set, sizes))) return undefined;
  const slots = slotsOf(all, 2 * depth * columns);
  const ofSlot = all / slots;
  const [inImage, outImage] = [bytesOf(height, width, depth), bytesOf(outHeight, outWidth, columns)];
  const elements = pairs ? Math.ceil(ofSlot / 2) : ofSlot;
  const atOnce = imagesAtOnce(elements, inImage + outImage, CACHE_BYTES / 2, 1);
  const map = { ...directSizes(sizes, atOnce), channels: channelsOf(depth), pairs };
  const slotBytes = bytesOf(taps, depth, columns);
  const maps = mapsOf(sizes);
  const bring = pairs ? paired : widened;
  const inScratch = pairs ? inImage * atOnce : convertedBytes(maps.input, "float32", (inImage * atOnce) / 4);
  const outScratch = pairs ? outImage * atOnce : convertedBytes(maps.output, "float32", (outImage * atOnce) / 4);
  return {
    packedBytes: slotBytes,
    scratchBytes: Math.max(64, inScratch + outScratch),
    units: slots,
    imagesAtOnce: atOnce,
    pieces: taps,
    pack: none,
    multiply(slot, at, scratch, call) {
      const { input, output, partials } = at;
      const sums = partials + slot * slotBytes;
      call({ name: "clear", of: [set, slotBytes] }, sums);
      for (let first = 0; first < elements; first += atOnce) {
        const part = { slot, ofSlot, first, atOnce };
        const normalised = normalisedAt(at, maps.input, slot * ofSlot + first, atOnce, call);
        const source = normalised ?? bring(set, maps.input, part, input, scratch, call);
        const gradient = bring(set, maps.output, part, output, scratch + inScratch, call);
        call({ name: "filterGradient", of: [set, map] }, source, gradient, sums);
      }
    },
    unpack(tap, { partials, weightGradient }, _scratch, call) {
      const bytes = bytesOf(depth, columns);
      call(
        { name: "addSlots", of: [set, { slots, slotBytes, bytes }] },
        partials + tap * bytes,
        weightGradient + tap * bytes,
      );
    },
  };
}

/** `atOnce` images of a slot from the `first` one on, or as many pairs of them. */
interface PartOfSlot {
  readonly slot: number;
  readonly ofSlot: number;
  readonly first: number;
  readonly atOnce: number;
}

type Bring = (
  set: InstructionSet,
  map: StoredMap,
  part: PartOfSlot,
  address: number,
  scratch: number,
  call: Call,
) => number;

const widened: Bring = (set, map, { slot, ofSlot, first, atOnce }, address, scratch, call) => {
  const { dtype, imageBytes } = map;
  const count = (atOnce * imageBytes) / elementBytes[dtype];
  return converted(set, map, "float32", count, address + (slot * ofSlot + first) * imageBytes, scratch, call);
};

const paired: Bring = (set, { dtype, imageBytes }, { slot, ofSlot, first, atOnce }, address, scratch, call) => {
  const count = imageBytes / elementBytes[dtype];
  for (let pair = 0; pair < atOnce; pair++) {
    const image = 2 * (first + pair);
    const isAlone = image + 1 === ofSlot;
    const from = address + (slot * ofSlot + image) * imageBytes;
    const to = scratch + pair * bytesOf(count);
    call({ name: "imagesToPairs", of: [set, { count, dtype, isAlone }] }, from, to, from + imageBytes);
  }
  return scratch;
};

/** How a kernel joins the channels of groups, `columns` of each along its vectors; undefined where it cannot. */
function joinOf(sizes: ConvolutionSizes, columns: "inputs" | "outputs"): Join | undefined {
  const { groups, inLanes, outLanes, kernel, dtypes } = sizes;
  const isHalf = dtypes?.input === "bfloat16" || dtypes?.output === "bfloat16";
  if (!groups || isHalf || kernel[0] * kernel[1] > MOST_TAPS) return undefined;
  const { inputs, outputs } = groups;
  if (inputs === 1 && outputs === 1) return inLanes === outLanes ? { kind: "each" } : undefined;
  if (inputs === 4 && outputs === 4) return inLanes === outLanes ? { kind: "fours" } : undefined;
  return groups[columns] % 8 === 0 ? { kind: "one", inputs, outputs } : undefined;
}

/** A kernel goes over all lanes, or is called for each group. */
function groupsToCall({ kind }: Join, { groups }: ConvolutionSizes): number {
  return kind === "one" ? groups!.count : 1;
}

function groupSizes(sizes: ConvolutionSizes, images: number, join: Join): GroupSizes {
  const { inLanes, dilation = [1, 1] } = sizes;
  const { depth: _, ...direct } = directSizes(sizes, images);
  return { ...direct, lanes: inLanes, dilation, join };
}

/** Forward, or with `flips` the input's gradient, whose filter is [tap][outputs of a group][inLanes]. */
function groupsWork(set: InstructionSet, sizes: ConvolutionSizes, flips: boolean): CodeWork | undefined {
  const join = joinOf(sizes, flips ? "inputs" : "outputs");
  if (!join) return undefined;
  const { images: all, height, width, inLanes, outHeight, outWidth, outLanes, kernel, groups } = sizes;
  const [depth, ofGroup] = flips ? [groups!.outputs, groups!.inputs] : [groups!.inputs, groups!.outputs];
  const rows = kernel[0] * kernel[1] * depth;
  const columns = flips ? inLanes : outLanes;
  const [inImage, outImage] = [bytesOf(height, width, inLanes), bytesOf(outHeight, outWidth, outLanes)];
  const images = imagesAtOnce(all, inImage + outImage, CACHE_BYTES, LEAST_UNITS);
  const map = groupSizes(sizes, images, join);
  const calls = groupsToCall(join, sizes);
  const written = calls === 1 ? columns : ofGroup;
  const panels = panelsOf(set, written);
  return {
    packedBytes: bytesOf(rows, columns),
    scratchBytes: 64,
    units: all / images,
    pieces: calls * piecesOf(panels),
    pack(piece, { weights, packed }, _scratch, call) {
      const { panel, column } = pieceOf(panels, piece % piecesOf(panels));
      const first = Math.floor(piece / piecesOf(panels)) * written + column;
      const of = [rows, columns, shapeOf(panel)] as const;
      call({ name: "rowsToPanel", of: [...of] }, weights + bytesOf(first), packed + bytesOf(rows, first));
    },
    multiply(unit, { input, output, packed, bias, hasBias, adds }, _scratch, call) {
      const [before, behind] = [input + unit * images * inImage, output + unit * images * outImage];
      for (let group = 0; group < calls; group++) {
        const filter = packed + bytesOf(rows, group * written);
        const [from, to] = [before + bytesOf(group, groups!.inputs), behind + bytesOf(group, groups!.outputs)];
        const ofBias = bias + bytesOf(group, written);
        if (flips)
          call({ name: "groupInputGradient", of: [set, { ...map, residual: adds }] }, to, filter, from, 0, from);
        else call({ name: "groupConvolution", of: [set, { ...map, bias: hasBias }] }, from, filter, to, ofBias);
      }
    },
    unpack: none,
  };
}

function groupsGradientWork(set: InstructionSet, sizes: ConvolutionSizes): CodeWork | undefined {
  const join = joinOf(sizes, "outputs");
  if (!join) return undefined;
  const { images: all, height, width, inLanes, outHeight, outWidth, outLanes, kernel, groups } = sizes;
  const taps = kernel[0] * kernel[1];
  const slots = slotsOf(all, groups!.inputs * outLanes);
  const ofSlot = all / slots;
  const [inImage, outImage] = [bytesOf(height, width, inLanes), bytesOf(outHeight, outWidth, outLanes)];
  const images = imagesAtOnce(ofSlot, inImage + outImage, CACHE_BYTES / 2, 1);
  const map = groupSizes(sizes, images, join);
  const slotBytes = bytesOf(taps, groups!.inputs, outLanes);
  return {
    packedBytes: slotBytes,
    scratchBytes: 64,
    units: slots,
    pieces: taps,
    pack: none,
    multiply(slot, { input, output, partials }, _scratch, call) {
      const sums = partials + slot * slotBytes;
      call({ name: "clear", of: [set, slotBytes] }, sums);
      for (let first = slot * ofSlot; first < (slot + 1) * ofSlot; first += images) {
        for (let group = 0; group < groupsToCall(join, sizes); group++) {
          const ofOutputs = bytesOf(group, groups!.outputs);
          const from = input + first * inImage + bytesOf(group, groups!.inputs);
          const above = output + first * outImage + ofOutputs;
          call({ name: "groupFilterGradient", of: [set, map] }, from, above, sums + ofOutputs);
        }
      }
    },
    unpack(tap, { partials, weightGradient }, _scratch, call) {
      const bytes = bytesOf(groups!.inputs, outLanes);
      const at = tap * bytes;
      call({ name: "addSlots", of: [set, { slots, slotBytes, bytes }] }, partials + at, weightGradient + at);
    },
  };
}
