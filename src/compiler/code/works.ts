// What machine code does of a convolution's pass: how it is cut into units that any thread may run, which memory it takes, and which
// kernels a unit calls at which addresses. Cuts follow from the sizes alone, so that bits depend neither on threads nor on the
// instruction set. Addresses are bytes; the kernels are emitted by whoever runs them.
import type { ConvolutionPass } from "../lower/convolutions/convolution-task.js";
import type { ConvolutionSizes } from "../lower/convolutions/convolution-plan.js";
import { Assembler } from "./asm-x64.js";
import { filterGradient } from "./direct-gradient.js";
import type { DirectSizes } from "./direct.js";
import { convolution, inputGradient } from "./direct.js";
import { addSlots, clear, rowsToPanel } from "./fills.js";
import type { InstructionSet, Panels, PanelShape } from "./instruction-set.js";
import { panelsOf, REGISTERS } from "./instruction-set.js";
import { FILTER_SCRATCH_BYTES, filterToPanel, flippedPanel, sumsToFilter } from "./winograd-filters.js";
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
  filterToPanel,
  flippedPanel,
  sumsToFilter,
  rowsToPanel,
  clear,
  addSlots,
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
}

export type Call = (code: Code, ...operands: readonly number[]) => void;
type Phase = (unit: number, at: WorkAddresses, scratch: number, call: Call) => void;

export interface CodeWork {
  /** Bytes of a filter as its kernel reads it, or of a partial gradient. */
  readonly packedBytes: number;
  readonly scratchBytes: number;
  readonly units: number;
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
    "weight gradient": directGradientWork,
  },
};

/** Maps of a unit stay in a core's second-level cache, and leave it room. */
const CACHE_BYTES = 600_000;
/** So many units at least, for threads to share. */
const LEAST_UNITS = 8;
/** With more channels a unit of some images would read a filter that is larger than its maps. */
const WIDEST_WINOGRAD = 128;
/** Partial gradients: few enough to be added quickly, enough for threads to share. */
const [SLOTS, SLOTS_OF_LARGE_FILTERS] = [8, 4];
const LARGE_FILTER = 64 * 64;

const none: Phase = () => undefined;

/** The most images that divide the batch into `least` units or more and take no more bytes. */
function imagesAtOnce(images: number, bytesOfImage: number, most: number, least: number): number {
  let best = 1;
  for (let n = 1; n <= images / least; n++) if (images % n === 0 && n * bytesOfImage <= most) best = n;
  return best;
}

/** Of a tensor of `count` numbers. */
const bytesOf = (...sides: readonly number[]): number => 4 * sides.reduce((product, side) => product * side, 1);

function isFloat32({ dtypes }: ConvolutionSizes): boolean {
  return !dtypes || (dtypes.input === "float32" && dtypes.output === "float32");
}

function suitsWinograd(sizes: ConvolutionSizes): boolean {
  const { kernel, stride, padding, inLanes, outLanes } = sizes;
  const isWindow = kernel[0] === 3 && kernel[1] === 3 && stride[0] === 1 && stride[1] === 1;
  const isPadded = [padding.top, padding.left, padding.bottom, padding.right].every((side) => side === 1);
  return (
    isFloat32(sizes) &&
    isWindow &&
    isPadded &&
    inLanes % 8 === 0 &&
    outLanes % 8 === 0 &&
    Math.max(inLanes, outLanes) <= WIDEST_WINOGRAD
  );
}

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
  const images = imagesAtOnce(all, tiles * bytesOf(FREQUENCIES, depth + columns), CACHE_BYTES, LEAST_UNITS);
  const map = { images, height, width, depth, columns };
  const { scratchBytes, filterFrequency } = geometryOf(set, map);
  const panels = panelsOf(set, columns);
  const widest = Math.max(...panels.map((panel) => panel.columns));
  const [fromBytes, toBytes] = [depth, columns].map((lanes) => bytesOf(images, height, width, lanes)) as [
    number,
    number,
  ];
  return {
    packedBytes: FREQUENCIES * filterFrequency,
    scratchBytes: Math.max(scratchBytes, bytesOf(9, depth, widest) + FILTER_SCRATCH_BYTES),
    units: all / images,
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
    multiply(unit, { input, output, packed, bias, hasBias, adds }, scratch, call) {
      const [from, to] = flips ? [output, input] : [input, output];
      const target = to + unit * toBytes;
      const options = { ...map, bias: !flips && hasBias, residual: flips && adds };
      call({ name: "winograd", of: [set, options] }, from + unit * fromBytes, packed, target, scratch, bias, target);
    },
    unpack: none,
  };
}

function winogradGradientWork(set: InstructionSet, sizes: ConvolutionSizes): CodeWork | undefined {
  if (!suitsWinograd(sizes)) return undefined;
  const { images: all, height, width, inLanes: depth, outLanes: columns } = sizes;
  const slots = slotsOf(all, depth * columns);
  const ofSlot = all / slots;
  const tiles = Math.ceil(height / TILE) * Math.ceil(width / TILE);
  const images = imagesAtOnce(ofSlot, tiles * bytesOf(FREQUENCIES, depth + columns), CACHE_BYTES * 0.7, 1);
  const map = { images, height, width, depth, columns };
  const { scratchBytes, filterFrequency } = geometryOf(set, map);
  const slotBytes = FREQUENCIES * filterFrequency;
  const pieces = 8;
  const values = (depth * columns) / pieces;
  const isEven = values % REGISTERS.avx512.lanes === 0;
  const [inBytes, outBytes] = [depth, columns].map((lanes) => bytesOf(images, height, width, lanes)) as [
    number,
    number,
  ];
  return {
    packedBytes: slotBytes,
    scratchBytes: scratchBytes + FILTER_SCRATCH_BYTES,
    units: slots,
    pieces: isEven ? pieces : 1,
    pack: none,
    multiply(slot, { input, output, partials }, scratch, call) {
      const units = ofSlot / images;
      for (let i = 0; i < units; i++) {
        const unit = slot * units + i;
        const sums = partials + slot * slotBytes;
        call(
          { name: "winogradGradient", of: [set, map, i === 0] },
          input + unit * inBytes,
          sums,
          output + unit * outBytes,
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

/** Images have three channels and a lane of zeros. */
const channelsOf = (lanes: number): number => (lanes === 4 ? 3 : lanes);
/** Code of a window of many taps is long, and emitting it takes longer than it saves. */
const MOST_TAPS = 49;

function directWork(set: InstructionSet, sizes: ConvolutionSizes, flips: boolean): CodeWork | undefined {
  const { images: all, height, width, inLanes, outHeight, outWidth, outLanes, kernel } = sizes;
  const taps = kernel[0] * kernel[1];
  const [depth, columns] = flips ? [outLanes, inLanes] : [inLanes, outLanes];
  if (!isFloat32(sizes) || depth % 4 !== 0 || columns % 8 !== 0 || taps > MOST_TAPS) return undefined;
  const [inImage, outImage] = [bytesOf(height, width, inLanes), bytesOf(outHeight, outWidth, outLanes)];
  const images = imagesAtOnce(all, inImage + outImage, CACHE_BYTES, LEAST_UNITS);
  const map = { ...directSizes(sizes, images), channels: channelsOf(inLanes) };
  const panels = panelsOf(set, columns);
  return {
    packedBytes: bytesOf(taps, depth, columns),
    scratchBytes: 64,
    units: all / images,
    pieces: piecesOf(panels),
    pack(piece, { weights, packed }, _scratch, call) {
      const { panel, column } = pieceOf(panels, piece);
      const to = packed + bytesOf(taps, depth, column);
      if (flips)
        call(
          { name: "flippedPanel", of: [{ taps, inLanes, outLanes, columns: panel.columns }] },
          weights + bytesOf(column, outLanes),
          to,
        );
      else call({ name: "rowsToPanel", of: [taps * depth, columns, shapeOf(panel)] }, weights + bytesOf(column), to);
    },
    multiply(unit, { input, output, packed, bias, hasBias, adds }, _scratch, call) {
      const [from, to] = [input + unit * images * inImage, output + unit * images * outImage];
      if (flips) call({ name: "inputGradient", of: [set, { ...map, residual: adds }] }, to, packed, from, 0, from);
      else call({ name: "convolution", of: [set, { ...map, bias: hasBias }] }, from, packed, to, bias);
    },
    unpack: none,
  };
}

function directGradientWork(set: InstructionSet, sizes: ConvolutionSizes): CodeWork | undefined {
  const { images: all, height, width, inLanes: depth, outHeight, outWidth, outLanes: columns, kernel } = sizes;
  const taps = kernel[0] * kernel[1];
  if (!isFloat32(sizes) || depth % 4 !== 0 || columns % 8 !== 0 || taps > MOST_TAPS) return undefined;
  const slots = slotsOf(all, 2 * depth * columns);
  const ofSlot = all / slots;
  const [inImage, outImage] = [bytesOf(height, width, depth), bytesOf(outHeight, outWidth, columns)];
  const images = imagesAtOnce(ofSlot, inImage + outImage, CACHE_BYTES / 2, 1);
  const map = { ...directSizes(sizes, images), channels: channelsOf(depth) };
  const slotBytes = bytesOf(taps, depth, columns);
  return {
    packedBytes: slotBytes,
    scratchBytes: 64,
    units: slots,
    pieces: taps,
    pack: none,
    multiply(slot, { input, output, partials }, _scratch, call) {
      const sums = partials + slot * slotBytes;
      call({ name: "clear", of: [set, slotBytes] }, sums);
      const units = ofSlot / images;
      for (let i = 0; i < units; i++) {
        const first = (slot * units + i) * images;
        call({ name: "filterGradient", of: [set, map] }, input + first * inImage, output + first * outImage, sums);
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
