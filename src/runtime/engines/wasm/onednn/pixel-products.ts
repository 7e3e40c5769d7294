// A convolution, or the gradient of its input, as products of matrices that leave the padding out. The rows of a
// product are one pixel of many images, as they lie in the heap; what it sums over is the row of pixels that the pixel's
// window sees, which lie in the heap one behind the other, too. So nothing is copied but the result.
import type { ConvolutionSizes } from "../../../../compiler/lower/convolutions/convolution-plan.js";
import type { Dtype } from "../../../../compiler/lower/placement/layout.js";
import { elementBytes } from "../../../../compiler/lower/placement/layout.js";
import type { Abi, DataType } from "./abi.js";
import { OneDnnError } from "./abi.js";
import type { MatrixLayout } from "./matrices.js";
import type { Reordering } from "./reorderings.js";
import { Reorderings, dense } from "./reorderings.js";
import type { WorkAddresses } from "../convolution-call.js";
import type { LibraryWork } from "./work.js";

/** Images of one product: the filter is read again for each, and their sums stay in the second-level cache. */
const MOST_IMAGES = 128;
/** With fewer units than that channels are shared out, too, where each unit keeps some. */
const FEWEST_UNITS = 8;
const FEWEST_LANES = 64;

/** One unit: a pixel of some images, some of its channels. */
interface Unit {
  readonly pixel: number;
  readonly firstImage: number;
  readonly images: number;
  readonly firstLane: number;
  readonly lanes: number;
  readonly terms: readonly Term[];
}

/** A row of the window on the map: the first pixel, how many, and where their taps lie in the packed filter. */
interface Term {
  readonly pixel: number;
  readonly pixels: number;
  readonly filterRow: number;
  readonly filterSlot: number;
}

interface Side {
  readonly pixels: number;
  readonly lanes: number;
  readonly dtype: Dtype;
}

export class PixelProducts implements LibraryWork {
  readonly packedBytes: number;
  readonly scratchBytes: number;
  readonly units: number;
  readonly pieces: number;
  private readonly source: Side;
  private readonly result: Side;
  private readonly work: readonly Unit[];
  private readonly slots: readonly number[];
  private readonly filter: MatrixLayout;
  private readonly sumsBytes: number;
  private readonly reorderings: Reorderings;

  /** @throws OneDnnError where the library cannot, or what is multiplied is not stored as `type`. */
  constructor(
    private readonly abi: Abi,
    private readonly pass: "forward" | "input gradient",
    private readonly sizes: ConvolutionSizes,
    /** Of what is multiplied. */
    private readonly type: DataType,
  ) {
    abi.productOf(type);
    const { height, width, inLanes, outHeight, outWidth, outLanes, kernel, dtypes } = sizes;
    const input = { pixels: height * width, lanes: inLanes, dtype: dtypes?.input ?? "float32" };
    const output = { pixels: outHeight * outWidth, lanes: outLanes, dtype: dtypes?.output ?? "float32" };
    [this.source, this.result] = pass === "forward" ? [input, output] : [output, input];
    if (this.source.dtype !== type) throw new OneDnnError(`the product needs maps stored as ${type}`);
    this.slots = pass === "forward" ? kernelColumns(sizes) : slotsByResidue(sizes);
    this.filter =
      pass === "forward" ? { stride: outLanes, transposed: false } : { stride: kernel[1] * outLanes, transposed: true };
    this.packedBytes = kernel[0] * kernel[1] * inLanes * outLanes * elementBytes[type];
    this.pieces = kernel[0] * kernel[1];
    this.work = this.unitsOfWork();
    this.units = this.work.length;
    const most = Math.max(...this.work.map(({ images, lanes }) => images * lanes));
    this.sumsBytes = Math.ceil((most * elementBytes.float32) / 64) * 64;
    this.reorderings = new Reorderings(abi);
    const forms = this.work.filter(({ pixel }) => pixel === 0).map((unit) => this.leaving(unit, pass !== "forward"));
    const scratchpads = [this.packing(), ...forms].map((form) => this.reorderings.scratchBytes(form));
    this.scratchBytes = this.sumsBytes + Math.max(...scratchpads);
  }

  /** Of one tap. Where it is the right factor as its columns, a row of taps lies one behind the other for each. */
  pack(piece: number, { weights, packed }: WorkAddresses, scratch: number): void {
    const { kernel, inLanes, outLanes } = this.sizes;
    const [row, column] = [Math.floor(piece / kernel[1]), piece % kernel[1]];
    const from = weights + piece * inLanes * outLanes * elementBytes.float32;
    this.reorderings.run(this.packing(), from, packed + this.filterAt(row, this.slots[column]!, 0), scratch);
  }

  multiply(unit: number, addresses: WorkAddresses, scratch: number): void {
    const { abi, pass, source, result, filter } = this;
    const { pixel, firstImage, images, firstLane, lanes, terms } = this.work[unit]!;
    const isForward = pass === "forward";
    const adds = !isForward && addresses.adds;
    const [from, to] = isForward ? [addresses.input, addresses.output] : [addresses.output, addresses.input];
    const sums = scratch;
    if (isForward) this.fill(sums, addresses.bias + firstLane * elementBytes.float32, lanes, images);
    else if (terms.length === 0 && adds) return;
    else if (terms.length === 0) abi.clear(sums, images * lanes * elementBytes.float32);
    const rows = { stride: source.pixels * source.lanes, transposed: false };
    for (const [index, term] of terms.entries()) {
      const place = (firstImage * source.pixels + term.pixel) * source.lanes;
      abi.multiply(
        { rows: images, columns: lanes, depth: term.pixels * source.lanes },
        [from + place * elementBytes[this.type], rows],
        [addresses.packed + this.filterAt(term.filterRow, term.filterSlot, firstLane), filter],
        [sums, lanes],
        isForward || index > 0,
        this.type,
      );
    }
    const place = (firstImage * result.pixels + pixel) * result.lanes + firstLane;
    const end = to + place * elementBytes[result.dtype];
    this.reorderings.run(this.leaving(this.work[unit]!, adds), sums, end, scratch + this.sumsBytes);
  }

  unpack(): void {
    throw new OneDnnError("a map has nothing to be unpacked");
  }

  /** As many rows of the bias as there are images. */
  private fill(sums: number, bias: number, lanes: number, images: number): void {
    const rowBytes = lanes * elementBytes.float32;
    this.abi.copy(bias, sums, rowBytes);
    for (let filled = 1; filled < images; filled *= 2) {
      this.abi.copy(sums, sums + filled * rowBytes, Math.min(filled, images - filled) * rowBytes);
    }
  }

  private packing(): Reordering {
    const { inLanes, outLanes } = this.sizes;
    const sizes = [inLanes, outLanes];
    const to = { type: this.type, strides: [this.filter.stride, 1] };
    return { sizes, from: dense("float32", sizes), to, adds: false };
  }

  private leaving({ images, lanes }: Unit, adds: boolean): Reordering {
    const { pixels, lanes: resultLanes, dtype } = this.result;
    const sizes = [images, lanes];
    const to = { type: dtype, strides: [pixels * resultLanes, 1] };
    return { sizes, from: dense("float32", sizes), to, adds };
  }

  /** Byte of the packed filter that belongs to a tap, and to the first of the result's channels. */
  private filterAt(row: number, slot: number, firstLane: number): number {
    const { kernel, inLanes, outLanes } = this.sizes;
    const ofRow = row * kernel[1] * inLanes * outLanes;
    const within = this.filter.transposed
      ? slot * outLanes + firstLane * this.filter.stride
      : slot * inLanes * outLanes + firstLane;
    return (ofRow + within) * elementBytes[this.type];
  }

  /** Those with the most to multiply first, so that threads end together. */
  private unitsOfWork(): Unit[] {
    const { images } = this.sizes;
    const { pixels, lanes } = this.result;
    const terms = Array.from({ length: pixels }, (_, pixel) => this.termsOf(pixel));
    const imageParts = partsOf(images, Math.ceil(images / MOST_IMAGES));
    const wanted = Math.ceil(FEWEST_UNITS / (pixels * imageParts.length));
    const laneParts = partsOf(lanes, Math.max(1, Math.min(wanted, Math.floor(lanes / FEWEST_LANES))));
    const cost = ({ terms }: Unit): number => terms.reduce((sum, term) => sum + term.pixels, 0);
    return imageParts
      .flatMap((part) => laneParts.map((lanePart) => ({ part, lanePart })))
      .flatMap(({ part, lanePart }) =>
        terms.map((terms, pixel): Unit => {
          const channels = { firstLane: lanePart.first, lanes: lanePart.count };
          return { pixel, terms, firstImage: part.first, images: part.count, ...channels };
        }),
      )
      .sort((one, other) => cost(other) - cost(one));
  }

  private termsOf(pixel: number): Term[] {
    const { width, outWidth, kernel } = this.sizes;
    const [sourceWidth, resultWidth] = this.pass === "forward" ? [width, outWidth] : [outWidth, width];
    const [row, column] = [Math.floor(pixel / resultWidth), pixel % resultWidth];
    const columns = Array.from({ length: kernel[1] }, (_, tap) => ({ tap, at: this.seen(column, tap, 1) }))
      .filter(({ at }) => at !== undefined)
      .sort((one, other) => one.at! - other.at!);
    const [first] = columns;
    if (!first) return [];
    return Array.from({ length: kernel[0] }, (_, filterRow) => this.seen(row, filterRow, 0)).flatMap(
      (at, filterRow) => {
        const place = at === undefined ? undefined : at * sourceWidth + first.at!;
        const filterSlot = this.slots[first.tap]!;
        return place === undefined ? [] : [{ pixel: place, pixels: columns.length, filterRow, filterSlot }];
      },
    );
  }

  /** Where along a side (0: down, 1: across) the tap of a place of the result lies in the source; undefined: nowhere. */
  private seen(place: number, tap: number, side: 0 | 1): number | undefined {
    const { height, width, outHeight, outWidth, stride, padding } = this.sizes;
    const before = side === 0 ? padding.top : padding.left;
    if (this.pass === "forward") {
      const at = place * stride[side] + tap - before;
      return at >= 0 && at < (side === 0 ? height : width) ? at : undefined;
    }
    const at = (place + before - tap) / stride[side];
    return Number.isInteger(at) && at >= 0 && at < (side === 0 ? outHeight : outWidth) ? at : undefined;
  }
}

function kernelColumns({ kernel }: ConvolutionSizes): number[] {
  return Array.from({ length: kernel[1] }, (_, column) => column);
}

/** By column of the filter: those that meet in a pixel of the input lie side by side, in the order of the output's pixels. */
function slotsByResidue(sizes: ConvolutionSizes): number[] {
  const step = sizes.stride[1];
  const columns = kernelColumns(sizes);
  const order = columns.toSorted((one, other) => (one % step) - (other % step) || other - one);
  return columns.map((column) => order.indexOf(column));
}

/** Nearly equal parts of `count`, one behind the other. */
function partsOf(count: number, parts: number): { first: number; count: number }[] {
  const size = Math.ceil(count / parts);
  return Array.from({ length: Math.ceil(count / size) }, (_, part) => {
    const first = part * size;
    return { first, count: Math.min(size, count - first) };
  });
}
