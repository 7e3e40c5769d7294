// What a thread of the wasm engine does when a step's call goes to oneDNN: finds out what the call asks for, and runs one
// unit of it at addresses inside the shared heap. Primitives are made when a call is first met, and kept.
import type { ConvolutionPass } from "../../../../compiler/lower/convolutions/convolution-task.js";
import type { ConvolutionSizes } from "../../../../compiler/lower/convolutions/convolution-plan.js";
import type {
  OpenProvider,
  ProductOperands,
  ProvidedCall,
  ThreadProvider,
} from "../../../../compiler/lower/kernels/kernel-provider.js";
import { ZEROS } from "../../../../compiler/lower/kernels/kernel-constants.js";
import type { Storage } from "../../../../compiler/lower/placement/layout.js";
import { elementBytes } from "../../../../compiler/lower/placement/layout.js";
import { Abi } from "./abi.js";
import { METHODS, workOf } from "./methods.js";
import type { LibraryWork, WorkAddresses } from "./work.js";
import { loadKoffi } from "../../native/load-koffi.js";

const PASSES = {
  library_convolution: "forward",
  library_input_gradient: "input gradient",
  library_weight_gradient: "weight gradient",
} as const satisfies Readonly<Record<string, ConvolutionPass>>;
type LibraryKernel = keyof typeof PASSES;

/** As emit-library.ts has their units. */
const PHASES = {
  library_convolution: ["pack", "multiply"],
  library_input_gradient: ["pack", "multiply"],
  library_weight_gradient: ["multiply", "unpack"],
} as const satisfies Readonly<Record<LibraryKernel, readonly (keyof LibraryWork)[]>>;

type Operands = ProvidedCall["operands"];

const [LEFT, RIGHT] = [1, 2];

export const open: OpenProvider = async (memory, thread, file) =>
  new OneDnnThread(new Abi(await loadKoffi(), file as string), memory, thread);

class OneDnnThread implements ThreadProvider {
  private readonly base: number;
  private readonly calls = new WeakMap<ProvidedCall, { addresses: WorkAddresses; work: LibraryWork }>();
  private readonly works = new Map<string, LibraryWork>();

  constructor(
    private readonly abi: Abi,
    memory: WebAssembly.Memory,
    private readonly thread: number,
  ) {
    this.base = abi.addressOf(new Uint8Array(memory.buffer)); // growing does not move it
  }

  run(call: ProvidedCall, phase: number, unit: number): void {
    let known = this.calls.get(call);
    if (!known) this.calls.set(call, (known = this.read(call)));
    const { kernel, operands } = call;
    const scratch = this.at(operands["scratch"]) + operands["scratchStride"]! * this.thread;
    known.work[PHASES[kernel as LibraryKernel][phase]!](unit, known.addresses, scratch);
  }

  /** A product of matrices in the heap. */
  multiply(
    ...[transposed, rows, columns, depth, left, leftRow, right, rightRow, adds, result, resultRow]: ProductOperands
  ): void {
    const at = (address: number): number => this.base + (address >>> 0);
    this.abi.multiply(
      { rows, columns, depth },
      [at(left), { stride: leftRow, transposed: (transposed & LEFT) !== 0 }],
      [at(right), { stride: rightRow, transposed: (transposed & RIGHT) !== 0 }],
      [at(result), resultRow],
      adds !== 0,
    );
  }

  private read({ kernel, operands }: ProvidedCall): { addresses: WorkAddresses; work: LibraryWork } {
    const name = kernel as LibraryKernel;
    const addresses: WorkAddresses = {
      input: this.at(operands["input"] ?? operands["inputGradient"]),
      output: this.at(operands["output"] ?? operands["outputGradient"]),
      weights: this.at(operands["weights"]),
      bias: this.at(operands["bias"]),
      packed: this.at(operands["packed"]),
      weightGradient: this.at(operands["weightGradient"]),
      partials: this.at(operands["partials"]),
      adds: operands["accumulate"] === 1,
    };
    const sizes = sizesOf(operands);
    const { method, imagesAtOnce } = operands as { method: number; imagesAtOnce: number };
    const key = JSON.stringify([name, method, imagesAtOnce, sizes]);
    let work = this.works.get(key);
    if (!work) this.works.set(key, (work = workOf(this.abi, METHODS[method]!, PASSES[name], sizes, imagesAtOnce)));
    return { addresses, work };
  }

  private at(place: number | undefined): number {
    return this.base + ((place ?? 0) >>> 0 || ZEROS);
  }
}

function sizesOf(operands: Operands): ConvolutionSizes {
  const of = (name: string): number => operands[name]!;
  const storage = { input: storageOf(of("inputElementBytes")), output: storageOf(of("outputElementBytes")) };
  return {
    storage,
    images: of("images"),
    height: of("height"),
    width: of("width"),
    inLanes: of("inLanes"),
    outHeight: of("outHeight"),
    outWidth: of("outWidth"),
    outLanes: of("outLanes"),
    kernel: [of("kernelHeight"), of("kernelWidth")],
    stride: [of("strideHeight"), of("strideWidth")],
    // Where the window's last place ends follows from the sizes of the maps
    padding: { top: of("paddingTop"), left: of("paddingLeft"), bottom: 0, right: 0 },
  };
}

function storageOf(bytes: number): Storage {
  return bytes === elementBytes.bfloat16 ? "bfloat16" : "float32";
}
