// A pass of a convolution by oneDNN's own convolutions: a unit of work is some images of the batch.
import type { ConvolutionPass } from "../../../../compiler/lower/convolutions/convolution-task.js";
import type { ConvolutionSizes } from "../../../../compiler/lower/convolutions/convolution-plan.js";
import type { Abi } from "./abi.js";
import type { ConvolutionMethod } from "./convolution.js";
import { Convolution } from "./convolution.js";
import type { WorkAddresses } from "../convolution-call.js";
import type { LibraryWork } from "./work.js";

export class Parts implements LibraryWork {
  readonly packedBytes: number;
  readonly scratchBytes: number;
  readonly units: number;
  readonly pieces: number;
  private readonly whole: Convolution;
  /** For the images that are left over where the last part of the batch is smaller. */
  private readonly last: Convolution;

  /** @throws OneDnnError where the library cannot. */
  constructor(
    abi: Abi,
    private readonly pass: ConvolutionPass,
    private readonly sizes: ConvolutionSizes,
    method: ConvolutionMethod,
    private readonly imagesAtOnce: number,
  ) {
    this.whole = new Convolution(abi, pass, { ...sizes, images: imagesAtOnce }, method);
    const rest = sizes.images % imagesAtOnce;
    this.last =
      rest === 0
        ? this.whole
        : new Convolution(abi, pass, { ...sizes, images: rest }, method, this.whole.weights.inner);
    this.units = Math.ceil(sizes.images / imagesAtOnce);
    this.packedBytes = this.whole.packedBytes;
    this.pieces = this.whole.pieces;
    this.scratchBytes = Math.max(this.whole.scratchBytes, this.last.scratchBytes);
  }

  pack(piece: number, { weights, packed }: WorkAddresses, scratch: number): void {
    this.whole.pack(piece, weights, packed, scratch);
  }

  multiply(unit: number, addresses: WorkAddresses, scratch: number): void {
    const first = unit * this.imagesAtOnce;
    const convolution = first + this.imagesAtOnce > this.sizes.images ? this.last : this.whole;
    const input = addresses.input + first * convolution.inputImageBytes;
    const output = addresses.output + first * convolution.outputImageBytes;
    const { packed, bias, partials, adds } = addresses;
    const run: Readonly<Record<ConvolutionPass, () => void>> = {
      forward: () => convolution.forward(input, packed, bias, output, scratch),
      "input gradient": () => convolution.inputGradient(output, packed, input, adds, scratch),
      "weight gradient": () => convolution.weightGradient(input, output, partials + unit * this.packedBytes, scratch),
    };
    run[this.pass]();
  }

  unpack(piece: number, { partials, weightGradient }: WorkAddresses, scratch: number): void {
    this.whole.unpack(piece, partials, this.units, this.packedBytes, weightGradient, scratch);
  }
}
