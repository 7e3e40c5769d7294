// The gradient of a convolution's filter as products of matrices that leave the padding out: for each tap, the
// pixels that it sees, of some images at a time, are brought together with the gradients of the outputs that they go to,
// and their product is that tap's gradient as the heap has it. So there are no partial sums.
import type { ConvolutionSizes } from "../../../../compiler/lower/convolutions/convolution-plan.js";
import { elementBytes } from "../../../../compiler/lower/placement/layout.js";
import type { Places } from "../../../../compiler/lower/convolutions/valid-places.js";
import { columnsOfTap, rowsOfTap } from "../../../../compiler/lower/convolutions/valid-places.js";
import type { Abi, DataType } from "./abi.js";
import { OneDnnError } from "./abi.js";
import type { Reordering, Strided } from "./reorderings.js";
import { Reorderings, dense } from "./reorderings.js";
import type { WorkAddresses } from "../convolution-call.js";
import type { LibraryWork } from "./work.js";

/** What is brought together stays in a core's second-level cache. */
const CHUNK_BYTES = 1024 * 1024;
/** With fewer taps than that the input's channels are shared out, too, where each unit keeps some. */
const FEWEST_UNITS = 8;
const FEWEST_LANES = 64;

interface Unit {
  readonly tap: number;
  readonly rows: Places;
  readonly columns: Places;
  readonly firstLane: number;
}

/** Some pixels of a map: every `step`th from `firstPixel` on, some channels of them. */
interface Pick {
  readonly type: DataType;
  /** Pixels in a row of the whole map. */
  readonly width: number;
  readonly pixels: number;
  readonly mapLanes: number;
  readonly step: readonly [number, number];
  readonly rows: number;
  readonly columns: number;
  readonly firstPixel: number;
  readonly firstLane: number;
  readonly lanes: number;
}

export class TapProducts implements LibraryWork {
  readonly packedBytes = 0;
  readonly pieces = 0;
  readonly scratchBytes: number;
  readonly units: number;
  private readonly imagesAtOnce: number;
  private readonly lanes: number;
  private readonly work: readonly Unit[];
  private readonly areas: { readonly output: number; readonly scratchpad: number };
  private readonly reorderings: Reorderings;

  /** @throws OneDnnError where the library cannot. */
  constructor(
    private readonly abi: Abi,
    private readonly sizes: ConvolutionSizes,
    /** Of what is multiplied. */
    private readonly type: DataType,
  ) {
    abi.productOf(type);
    const { images, inLanes, outLanes, kernel } = sizes;
    const taps = kernel[0] * kernel[1];
    const parts = Math.max(1, Math.min(Math.ceil(FEWEST_UNITS / taps), Math.floor(inLanes / FEWEST_LANES)));
    this.lanes = Math.ceil(inLanes / parts);
    this.work = unitsOfWork(sizes, this.lanes);
    this.units = this.work.length;
    const most = Math.max(...this.work.map(placesOf));
    const bytesOf = (lanes: number): number => most * lanes * elementBytes[type];
    const fitting = Math.floor(CHUNK_BYTES / bytesOf(this.lanes + outLanes));
    const chunks = Math.ceil(images / Math.max(1, Math.min(images, fitting)));
    this.imagesAtOnce = Math.ceil(images / chunks);
    const [inputBytes, outputBytes] = [this.lanes, outLanes].map(
      (lanes) => Math.ceil((this.imagesAtOnce * bytesOf(lanes)) / 64) * 64,
    );
    this.areas = { output: inputBytes!, scratchpad: inputBytes! + outputBytes! };
    this.reorderings = new Reorderings(abi);
    const counts = new Set([this.imagesAtOnce, images % this.imagesAtOnce || this.imagesAtOnce]);
    const forms = this.work
      .filter((unit) => placesOf(unit) > 0)
      .flatMap((unit) => [this.picks(unit).input, this.picks(unit).output])
      .flatMap((pick) => [...counts].map((count) => gathering(pick, count, this.type).form));
    this.scratchBytes =
      this.areas.scratchpad + Math.max(0, ...forms.map((form) => this.reorderings.scratchBytes(form)));
  }

  pack(): void {
    throw new OneDnnError("a gradient has nothing to be packed");
  }

  multiply(number: number, { input, output, weightGradient }: WorkAddresses, scratch: number): void {
    const { abi, areas, imagesAtOnce } = this;
    const { images, inLanes, outLanes } = this.sizes;
    const unit = this.work[number]!;
    const picks = this.picks(unit);
    const { lanes } = picks.input;
    const result = weightGradient + (unit.tap * inLanes + unit.firstLane) * outLanes * elementBytes.float32;
    if (placesOf(unit) === 0) return abi.clear(result, lanes * outLanes * elementBytes.float32);
    for (let first = 0; first < images; first += imagesAtOnce) {
      const count = Math.min(imagesAtOnce, images - first);
      const pixels = scratch;
      const gradients = scratch + areas.output;
      this.gather(picks.input, input, first, count, pixels, scratch + areas.scratchpad);
      this.gather(picks.output, output, first, count, gradients, scratch + areas.scratchpad);
      abi.multiply(
        { rows: lanes, columns: outLanes, depth: count * placesOf(unit) },
        [pixels, { stride: lanes, transposed: true }],
        [gradients, { stride: outLanes, transposed: false }],
        [result, outLanes],
        first > 0,
        this.type,
      );
    }
  }

  unpack(): void {
    throw new OneDnnError("a gradient is where it belongs already");
  }

  private gather(pick: Pick, map: number, firstImage: number, images: number, to: number, scratch: number): void {
    const { form, times } = gathering(pick, images, this.type);
    const { type, width, pixels, mapLanes, step, columns, firstPixel, firstLane, lanes } = pick;
    for (let row = 0; row < times; row++) {
      const pixel = firstImage * pixels + firstPixel + row * step[0] * width;
      const from = map + (pixel * mapLanes + firstLane) * elementBytes[type];
      this.reorderings.run(form, from, to + row * images * columns * lanes * elementBytes[this.type], scratch);
    }
  }

  private picks({ tap, rows, columns, firstLane }: Unit): { input: Pick; output: Pick } {
    const { height, width, inLanes, outHeight, outWidth, outLanes, kernel, stride, padding, dtypes } = this.sizes;
    const extents = { rows: rows.end - rows.first, columns: columns.end - columns.first };
    const row = rows.first * stride[0] + Math.floor(tap / kernel[1]) - padding.top;
    const column = columns.first * stride[1] + (tap % kernel[1]) - padding.left;
    return {
      input: {
        ...{
          type: dtypes?.input ?? "float32",
          width,
          pixels: height * width,
          mapLanes: inLanes,
          step: stride,
          ...extents,
        },
        ...{ firstPixel: row * width + column, firstLane, lanes: Math.min(this.lanes, inLanes - firstLane) },
      },
      output: {
        ...{ type: dtypes?.output ?? "float32", width: outWidth, pixels: outHeight * outWidth, mapLanes: outLanes },
        ...{
          step: [1, 1],
          ...extents,
          firstPixel: rows.first * outWidth + columns.first,
          firstLane: 0,
          lanes: outLanes,
        },
      },
    };
  }
}

/** Row by row of the pixels, all images of each; oneDNN takes all rows at once where the last one ends within the map. */
function gathering(pick: Pick, images: number, product: DataType) {
  const { type, width, pixels, mapLanes, step, rows, columns, lanes } = pick;
  const strides = [pixels * mapLanes, step[1] * mapLanes, 1];
  const sizes = [images, columns, lanes];
  if (rows * step[0] * width > pixels) {
    return { form: form(type, sizes, strides, dense(product, sizes)), times: rows };
  }
  const all = [rows, ...sizes];
  return { form: form(type, all, [step[0] * width * mapLanes, ...strides], dense(product, all)), times: 1 };
}

function form(type: DataType, sizes: readonly number[], from: readonly number[], to: Strided): Reordering {
  return { sizes, from: { type, strides: from }, to, adds: false };
}

/** Those with the most to multiply first, so that threads end together. */
function unitsOfWork(sizes: ConvolutionSizes, lanes: number): Unit[] {
  const { kernel, inLanes } = sizes;
  return Array.from({ length: kernel[0] * kernel[1] }, (_, tap) => {
    const rows = rowsOfTap(sizes, Math.floor(tap / kernel[1]));
    const columns = columnsOfTap(sizes, tap % kernel[1]);
    return Array.from({ length: Math.ceil(inLanes / lanes) }, (_, part): Unit => {
      return { tap, rows, columns, firstLane: part * lanes };
    });
  })
    .flat()
    .sort((one, other) => placesOf(other) - placesOf(one));
}

function placesOf({ rows, columns }: Unit): number {
  return (rows.end - rows.first) * (columns.end - columns.first);
}
