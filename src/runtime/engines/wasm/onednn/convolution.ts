// One pass of a convolution over a few images, carried out by oneDNN on one thread: tensors come from netc's heap, go
// through scratch memory where the library wants another layout or type, and return to the heap.
import type { ConvolutionPass } from "../../../../compiler/lower/convolutions/convolution-task.js";
import type { ConvolutionSizes } from "../../../../compiler/lower/convolutions/convolution-plan.js";
import { imageBytes } from "../../../../compiler/lower/convolutions/convolution-plan.js";
import type { Abi, Algorithm, DataType, Handle, Window } from "./abi.js";
import { ANY_FORMAT, ARGUMENTS, OneDnnError } from "./abi.js";
import { DESCRIPTOR_QUERIES } from "./abi-numbers.js";
import { Executable } from "./executable.js";

export interface ConvolutionMethod {
  readonly name: string;
  readonly algorithm: Algorithm;
  /** Type of activations and filters within the product; sums are float32, and so are results that the heap has as float32. */
  readonly type: DataType;
  /** Layout of activations within the product: as in the heap, by sixteen channels, or what the library prefers. */
  readonly layout: "channels last" | "blocked" | "any";
}

const LINE = 64;
/** Filters are packed in parts of about that many bytes, so that all threads take part. */
const PIECE_BYTES = 128 * 1024;
/** Parts of a filter end at whole blocks of every layout. */
const PIECE_CHANNELS = 64;

/** A tensor in the heap and within the product, and the way between where they differ. */
interface Side {
  readonly heap: Handle;
  readonly inner: Handle;
  readonly differs: boolean;
}

export class Convolution {
  /** Bytes of a filter, or its gradient, in the library's own layout. */
  readonly packedBytes: number;
  readonly scratchBytes: number;
  /** In how many parts a filter is packed and a gradient unpacked. */
  readonly pieces: number;
  readonly implementation: string;
  readonly inputImageBytes: number;
  readonly outputImageBytes: number;
  readonly weights: Side;
  private readonly input: Side;
  private readonly output: Side;
  private readonly product: Handle;
  private readonly areas: { readonly input: number; readonly output: number; readonly scratchpad: number };
  /** So many bytes of the scratchpad must be zeros before each product. */
  private readonly zeros: number;
  private readonly parts: readonly { readonly heap: Handle; readonly inner: Handle }[];
  private readonly executables = new Map<string, Executable>();

  /** `packed` is the filter's layout where another number of images has already chosen it. */
  constructor(
    private readonly abi: Abi,
    private readonly pass: ConvolutionPass,
    private readonly sizes: ConvolutionSizes,
    method: ConvolutionMethod,
    packed?: Handle,
  ) {
    const { images, height, width, inLanes, outHeight, outWidth, outLanes, kernel } = sizes;
    const { type } = method;
    const dtypes = sizes.dtypes ?? { input: "float32", output: "float32" };
    const bytes = imageBytes(sizes);
    [this.inputImageBytes, this.outputImageBytes] = [bytes.input, bytes.output];
    const inputSizes = [images, inLanes, height, width];
    const outputSizes = [images, outLanes, outHeight, outWidth];
    const filterSizes = [outLanes, inLanes, ...kernel];
    const asked = {
      input: activations(abi, inputSizes, type, method.layout),
      output: activations(abi, outputSizes, type, method.layout),
      filter: packed ?? abi.tagged(filterSizes, pass === "weight gradient" ? "float32" : type, ANY_FORMAT),
    };
    // A result that leaves the product as the heap has it needs no way back
    const result = (side: "input" | "output", inner: readonly number[]): Handle =>
      type === "float32" ? asked[side] : activations(abi, inner, dtypes[side], method.layout);
    const window = windowOf(sizes);
    const plain = abi.attributes(false);
    const hint = (): Handle => {
      const filter = abi.tagged(filterSizes, type, ANY_FORMAT);
      return abi.forward(method.algorithm, [asked.input, filter, 0, asked.output], window, plain);
    };
    const bias = abi.strided([outLanes], "float32", [1]);
    if (pass === "forward") {
      const descriptors = [asked.input, asked.filter, bias, result("output", outputSizes)] as const;
      this.product = abi.forward(method.algorithm, descriptors, window, plain);
    } else if (pass === "input gradient") {
      const descriptors = [result("input", inputSizes), asked.filter, asked.output] as const;
      this.product = abi.backwardData(method.algorithm, descriptors, window, hint(), plain);
    } else {
      const descriptors = [asked.input, asked.filter, asked.output] as const;
      this.product = abi.backwardWeights(method.algorithm, descriptors, window, hint(), plain);
    }
    this.implementation = abi.implementation(this.product);
    if (this.implementation.startsWith("ref")) throw new OneDnnError("there is only its reference implementation");

    const query = QUERIED[pass];
    const side = (heap: Handle, which: number): Side => {
      const inner = abi.descriptorOf(this.product, which);
      return { heap, inner, differs: !abi.descriptorsEqual(heap, inner) };
    };
    this.input = side(channelsLast(abi, inputSizes, dtypes.input), query.input);
    this.output = side(channelsLast(abi, outputSizes, dtypes.output), query.output);
    this.weights = side(filterInHeap(abi, sizes), query.weights);
    this.packedBytes = lines(abi.descriptorBytes(this.weights.inner));
    this.parts = this.partsOfFilter();
    this.pieces = this.parts.length;
    // A gradient that is added to another passes through scratch memory too
    const adds = pass === "input gradient";
    const inputBytes = this.input.differs || adds ? lines(abi.descriptorBytes(this.input.inner)) : 0;
    const outputBytes = this.output.differs ? lines(abi.descriptorBytes(this.output.inner)) : 0;
    this.areas = { input: 0, output: inputBytes, scratchpad: inputBytes + outputBytes };
    this.scratchBytes = this.areas.scratchpad + lines(this.scratchpadBytes());
    // The library transposes maps into it, with gaps where windows lie in the padding, and multiplies the gaps, too
    const leavesGaps = pass === "weight gradient" && type === "bfloat16";
    this.zeros = leavesGaps ? this.bytesOfScratchpad(this.product) : 0;
  }

  /** Brings part `piece` of a filter into the product's layout. */
  pack(piece: number, weights: number, packed: number, scratch: number): void {
    const { heap, inner } = this.parts[piece]!;
    this.reordering(`pack ${piece}`, heap, inner, false).run([weights, packed, scratch + this.areas.scratchpad]);
  }

  /** All sums are of this many partial filters, `stride` bytes apart, in order. */
  unpack(piece: number, partials: number, count: number, stride: number, weights: number, scratch: number): void {
    const { heap, inner } = this.parts[piece]!;
    for (let slot = 0; slot < count; slot++) {
      const way = this.reordering(`unpack ${piece} ${slot > 0}`, inner, heap, slot > 0);
      way.run([partials + slot * stride, weights, scratch + this.areas.scratchpad]);
    }
  }

  forward(input: number, packed: number, bias: number, output: number, scratch: number): void {
    const from = this.entering("input", input, scratch);
    const to = this.output.differs ? scratch + this.areas.output : output;
    this.multiply([from, packed, bias, to, scratch + this.areas.scratchpad]);
    if (this.output.differs) this.leaving("output", to, output, false, scratch);
  }

  inputGradient(outputGradient: number, packed: number, inputGradient: number, adds: boolean, scratch: number): void {
    const from = this.entering("output", outputGradient, scratch);
    const passes = this.input.differs || adds;
    const to = passes ? scratch + this.areas.input : inputGradient;
    this.multiply([from, packed, to, scratch + this.areas.scratchpad]);
    if (passes) this.leaving("input", to, inputGradient, adds, scratch);
  }

  weightGradient(input: number, outputGradient: number, partial: number, scratch: number): void {
    const from = this.entering("input", input, scratch);
    const gradient = this.entering("output", outputGradient, scratch);
    if (this.zeros > 0) this.abi.clear(scratch + this.areas.scratchpad, this.zeros);
    this.multiply([from, gradient, partial, scratch + this.areas.scratchpad]);
  }

  private entering(name: "input" | "output", address: number, scratch: number): number {
    const { heap, inner, differs } = this[name];
    if (!differs) return address;
    const to = scratch + this.areas[name];
    this.reordering(`${name} in`, heap, inner, false).run([address, to, scratch + this.areas.scratchpad]);
    return to;
  }

  private leaving(name: "input" | "output", from: number, to: number, adds: boolean, scratch: number): void {
    const { heap, inner } = this[name];
    this.reordering(`${name} out ${adds}`, inner, heap, adds).run([from, to, scratch + this.areas.scratchpad]);
  }

  private multiply(addresses: readonly number[]): void {
    const { input, output, weights, product, pass } = this;
    const executable = this.executable("product", () => {
      const scratchpad = [ARGUMENTS.scratchpad, this.abi.descriptorOf(product, DESCRIPTOR_QUERIES.scratchpad)] as const;
      const bias = this.abi.strided([this.sizes.outLanes], "float32", [1]);
      const named = {
        forward: [
          [ARGUMENTS.input, input.inner],
          [ARGUMENTS.weights, weights.inner],
          [ARGUMENTS.bias, bias],
          [ARGUMENTS.output, output.inner],
        ],
        "input gradient": [
          [ARGUMENTS.outputGradient, output.inner],
          [ARGUMENTS.weights, weights.inner],
          [ARGUMENTS.inputGradient, input.inner],
        ],
        "weight gradient": [
          [ARGUMENTS.input, input.inner],
          [ARGUMENTS.outputGradient, output.inner],
          [ARGUMENTS.weightGradient, weights.inner],
        ],
      } as const;
      return new Executable(this.abi, product, [...named[pass], scratchpad]);
    });
    executable.run(addresses);
  }

  private reordering(key: string, from: Handle, to: Handle, adds: boolean): Executable {
    return this.executable(key, () => {
      const description = this.describeReordering(from, to, adds);
      return new Executable(this.abi, description, [
        [ARGUMENTS.input, from],
        [ARGUMENTS.output, to],
        [ARGUMENTS.scratchpad, this.abi.descriptorOf(description, DESCRIPTOR_QUERIES.scratchpad)],
      ]);
    });
  }

  private executable(key: string, make: () => Executable): Executable {
    let found = this.executables.get(key);
    if (!found) this.executables.set(key, (found = make()));
    return found;
  }

  private describeReordering(from: Handle, to: Handle, adds: boolean): Handle {
    return this.abi.reorder(from, to, this.abi.attributes(adds));
  }

  /** Cut by output channels where the library's layout can be cut there; else one part. */
  private partsOfFilter(): { heap: Handle; inner: Handle }[] {
    const { heap, inner } = this.weights;
    const { inLanes, outLanes, kernel } = this.sizes;
    const channels =
      Math.max(1, Math.ceil((outLanes * PIECE_BYTES) / this.packedBytes / PIECE_CHANNELS)) * PIECE_CHANNELS;
    if (channels >= outLanes) return [{ heap, inner }];
    try {
      return Array.from({ length: Math.ceil(outLanes / channels) }, (_, piece) => {
        const first = piece * channels;
        const sizes = [Math.min(channels, outLanes - first), inLanes, ...kernel];
        const part = (whole: Handle): Handle => this.abi.part(whole, sizes, [first, 0, 0, 0]);
        const cut = { heap: part(heap), inner: part(inner) };
        this.describeReordering(cut.heap, cut.inner, false);
        this.describeReordering(cut.inner, cut.heap, true);
        return cut;
      });
    } catch (error) {
      if (error instanceof OneDnnError) return [{ heap, inner }];
      throw error;
    }
  }

  private scratchpadBytes(): number {
    const { input, output, parts, pass } = this;
    const [part] = parts;
    const ways =
      pass === "forward"
        ? [
            this.describeReordering(part!.heap, part!.inner, false),
            this.describeReordering(input.heap, input.inner, false),
            this.describeReordering(output.inner, output.heap, false),
          ]
        : pass === "input gradient"
          ? [
              this.describeReordering(part!.heap, part!.inner, false),
              this.describeReordering(output.heap, output.inner, false),
              this.describeReordering(input.inner, input.heap, true),
            ]
          : [
              this.describeReordering(part!.inner, part!.heap, false),
              this.describeReordering(part!.inner, part!.heap, true),
              this.describeReordering(input.heap, input.inner, false),
              this.describeReordering(output.heap, output.inner, false),
            ];
    return Math.max(...[this.product, ...ways].map((description) => this.bytesOfScratchpad(description)));
  }

  private bytesOfScratchpad(description: Handle): number {
    return this.abi.descriptorBytes(this.abi.descriptorOf(description, DESCRIPTOR_QUERIES.scratchpad));
  }
}

const QUERIED: Readonly<Record<ConvolutionPass, Readonly<Record<"input" | "weights" | "output", number>>>> = {
  forward: { input: DESCRIPTOR_QUERIES.input, weights: DESCRIPTOR_QUERIES.weights, output: DESCRIPTOR_QUERIES.output },
  "input gradient": {
    input: DESCRIPTOR_QUERIES.inputGradient,
    weights: DESCRIPTOR_QUERIES.weights,
    output: DESCRIPTOR_QUERIES.outputGradient,
  },
  "weight gradient": {
    input: DESCRIPTOR_QUERIES.input,
    weights: DESCRIPTOR_QUERIES.weightGradient,
    output: DESCRIPTOR_QUERIES.outputGradient,
  },
};

function activations(abi: Abi, sizes: readonly number[], type: DataType, layout: ConvolutionMethod["layout"]): Handle {
  if (layout === "channels last") return channelsLast(abi, sizes, type);
  return abi.tagged(sizes, type, layout === "any" ? ANY_FORMAT : blockedTag(abi));
}

function channelsLast(abi: Abi, sizes: readonly number[], type: DataType): Handle {
  const [, channels, height, width] = sizes as [number, number, number, number];
  return abi.strided(sizes, type, [height * width * channels, 1, width * channels, channels]);
}

/** [kernel height, kernel width, input channels, output channels], named in the library's order. */
function filterInHeap(abi: Abi, { inLanes, outLanes, kernel }: ConvolutionSizes): Handle {
  const pairs = inLanes * outLanes;
  return abi.strided([outLanes, inLanes, ...kernel], "float32", [1, outLanes, kernel[1] * pairs, pairs]);
}

function windowOf({ kernel, stride, padding, height, width, outHeight, outWidth }: ConvolutionSizes): Window {
  const { top, left } = padding;
  // The library wants the window's last place to end where the padding does
  const after = (size: number, out: number, step: number, taps: number, before: number): number =>
    (out - 1) * step + taps - size - before;
  return {
    strides: stride,
    paddingBefore: [top, left],
    paddingAfter: [
      after(height, outHeight, stride[0], kernel[0], top),
      after(width, outWidth, stride[1], kernel[1], left),
    ],
  };
}

const LAST_TAG = 400;
const blockedTags = new Map<string, number>();

/** The tag of [images, channels / 16, height, width, 16]: its number differs from version to version, its meaning does not. */
function blockedTag(abi: Abi): number {
  const known = blockedTags.get(abi.version);
  if (known !== undefined) return known;
  const sizes = [2, 32, 3, 5];
  for (let tag = ANY_FORMAT + 1; tag < LAST_TAG; tag++) {
    try {
      const { strides, blocks } = abi.blocking(abi.tagged(sizes, "float32", tag), 4) ?? { strides: [], blocks: [] };
      const [block] = blocks;
      const fits = blocks.length === 1 && block!.dimension === 1 && block!.size === 16;
      if (!fits || strides.join() !== [2 * 240, 240, 80, 16].join()) continue;
      blockedTags.set(abi.version, tag);
      return tag;
    } catch (error) {
      if (!(error instanceof OneDnnError)) throw error;
    }
  }
  throw new OneDnnError("it has no layout by sixteen channels");
}

function lines(bytes: number): number {
  return Math.ceil(bytes / LINE) * LINE;
}
