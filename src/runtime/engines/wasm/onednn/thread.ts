// What a thread of the wasm engine does when a step's call goes to oneDNN: finds out what the call asks for, and runs one
// unit of it at addresses inside the shared heap. Primitives are made when a call is first met, and kept.
import type { ConvolutionPass } from "../../../../compiler/lower/convolutions/convolution-kernels.js";
import type { ConvolutionSizes } from "../../../../compiler/lower/convolutions/convolution-plan.js";
import { ZEROS } from "../../../../compiler/lower/kernels/kernel-constants.js";
import type { Storage } from "../../../../compiler/lower/placement/layout.js";
import { elementBytes } from "../../../../compiler/lower/placement/layout.js";
import { kernelNames, kernels } from "../../../../compiler/lower/kernels/kernels.js";
import { Abi } from "./abi.js";
import { METHODS, workOf } from "./methods.js";
import type { LibraryWork, WorkAddresses } from "./work.js";
import { loadKoffi } from "../../native/load-koffi.js";

/** The phases of assembly/library.ts. */
const PHASES = ["pack", "multiply", "unpack"] as const;

const PASSES = {
  library_convolution: "forward",
  library_input_gradient: "input gradient",
  library_weight_gradient: "weight gradient",
} as const satisfies Readonly<Record<string, ConvolutionPass>>;
type LibraryKernel = keyof typeof PASSES;

type Operands = Readonly<Record<string, number>>;

interface Call {
  /** As they lie in the heap: what tells that another step was written there. */
  readonly words: Int32Array;
  readonly operands: Operands;
  readonly addresses: WorkAddresses;
  readonly work: LibraryWork;
}

/** Of assembly/winograd-library.ts. */
export type ProductOperands = readonly [
  transposed: number,
  rows: number,
  columns: number,
  depth: number,
  left: number,
  leftRow: number,
  right: number,
  rightRow: number,
  adds: number,
  result: number,
  resultRow: number,
];
const [LEFT, RIGHT] = [1, 2];

export async function openOneDnnThread(
  file: string,
  memory: WebAssembly.Memory,
  thread: number,
): Promise<OneDnnThread> {
  return new OneDnnThread(new Abi(await loadKoffi(), file), memory, thread);
}

export class OneDnnThread {
  private readonly base: number;
  private readonly calls = new Map<number, Call>();
  private readonly works = new Map<string, LibraryWork>();

  constructor(
    private readonly abi: Abi,
    private readonly memory: WebAssembly.Memory,
    private readonly thread: number,
  ) {
    this.base = abi.addressOf(new Uint8Array(memory.buffer)); // growing does not move it
  }

  run(kernel: number, address: number, phase: number, unit: number): void {
    const { work, addresses, operands } = this.callAt(kernelNames[kernel] as LibraryKernel, address >>> 0);
    const scratch = this.at(operands["scratch"]) + operands["scratchStride"]! * this.thread;
    work[PHASES[phase]!](unit, addresses, scratch);
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

  private callAt(name: LibraryKernel, address: number): Call {
    const names = Object.keys(kernels[name]);
    const words = new Int32Array(this.memory.buffer, address, names.length);
    const known = this.calls.get(address);
    if (known?.words.length === words.length && known.words.every((word, index) => word === words[index])) return known;
    const operands = Object.fromEntries(names.map((operand, index) => [operand, words[index]!])) as Operands;
    const call = { words: words.slice(), operands, ...this.read(name, operands) };
    this.calls.set(address, call);
    return call;
  }

  private read(name: LibraryKernel, operands: Operands): Pick<Call, "addresses" | "work"> {
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
