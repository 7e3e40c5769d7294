// What a thread of the wasm engine does when a step's call goes to oneDNN: finds out what the call asks for, and runs one
// unit of it at addresses inside the shared heap. Primitives are made when a call is first met, and kept.
import type { ConvolutionPass } from "../../../../compiler/lower/convolution-kernels.js";
import type { ConvolutionSizes } from "../../../../compiler/lower/convolution-plan.js";
import type { Storage } from "../../../../compiler/lower/layout.js";
import { elementBytes } from "../../../../compiler/lower/layout.js";
import { kernelNames, kernels } from "../../../../compiler/lower/kernels.js";
import { Abi } from "./abi.js";
import { Convolution, METHODS } from "./convolution.js";
import { loadKoffi } from "../../native/load-koffi.js";

/** The phases of assembly/library.ts. */
const PHASES = ["pack", "multiply", "unpack"] as const;

/** 64 KiB of zeros in the heap (assembly/simd.ts): the bias of a convolution that has none. */
const ZEROS = 65536;

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
  readonly whole: Convolution;
  /** For the images that are left over where the last part of the batch is smaller. */
  readonly last: Convolution;
}

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
  private readonly convolutions = new Map<string, Convolution>();

  constructor(
    private readonly abi: Abi,
    private readonly memory: WebAssembly.Memory,
    private readonly thread: number,
  ) {
    this.base = abi.addressOf(new Uint8Array(memory.buffer)); // growing does not move it
  }

  run(kernel: number, address: number, phase: number, unit: number): void {
    const name = kernelNames[kernel] as LibraryKernel;
    const { operands, whole, last } = this.callAt(name, address >>> 0);
    const at = (operand: string, offset = 0): number => {
      const place = operands[operand]! >>> 0;
      return this.base + (place === 0 ? ZEROS : place + offset);
    };
    const scratch = at("scratch", operands["scratchStride"]! * this.thread);
    if (PHASES[phase] === "pack") return whole.pack(unit, at("weights"), at("packed"), scratch);
    const { images, imagesAtOnce } = operands as { images: number; imagesAtOnce: number };
    if (PHASES[phase] === "unpack") {
      const count = Math.ceil(images / imagesAtOnce);
      return whole.unpack(unit, at("partials"), count, operands["partialBytes"]!, at("weightGradient"), scratch);
    }
    const first = unit * imagesAtOnce;
    const convolution = first + imagesAtOnce > images ? last : whole;
    const input = first * convolution.inputImageBytes;
    const output = first * convolution.outputImageBytes;
    const run: Readonly<Record<LibraryKernel, () => void>> = {
      library_convolution: () =>
        convolution.forward(at("input", input), at("packed"), at("bias"), at("output", output), scratch),
      library_input_gradient: () =>
        convolution.inputGradient(
          at("outputGradient", output),
          at("packed"),
          at("inputGradient", input),
          operands["accumulate"] !== 0,
          scratch,
        ),
      library_weight_gradient: () =>
        convolution.weightGradient(
          at("input", input),
          at("outputGradient", output),
          at("partials", unit * operands["partialBytes"]!),
          scratch,
        ),
    };
    run[name]();
  }

  private callAt(name: LibraryKernel, address: number): Call {
    const names = Object.keys(kernels[name]);
    const words = new Int32Array(this.memory.buffer, address, names.length);
    const known = this.calls.get(address);
    if (known?.words.length === words.length && known.words.every((word, index) => word === words[index])) return known;
    const operands = Object.fromEntries(names.map((operand, index) => [operand, words[index]!])) as Operands;
    const { images, imagesAtOnce } = operands as { images: number; imagesAtOnce: number };
    const whole = this.convolution(PASSES[name], operands, imagesAtOnce);
    const rest = images % imagesAtOnce;
    const last = rest === 0 ? whole : this.convolution(PASSES[name], operands, rest, whole);
    const call = { words: words.slice(), operands, whole, last };
    this.calls.set(address, call);
    return call;
  }

  private convolution(pass: ConvolutionPass, operands: Operands, images: number, like?: Convolution): Convolution {
    const sizes = sizesOf(operands, images);
    const key = JSON.stringify([pass, operands["method"], sizes, like !== undefined]);
    let found = this.convolutions.get(key);
    if (!found) {
      found = new Convolution(this.abi, pass, sizes, METHODS[operands["method"]!]!, like?.weights.inner);
      this.convolutions.set(key, found);
    }
    return found;
  }
}

function sizesOf(operands: Operands, images: number): ConvolutionSizes {
  const of = (name: string): number => operands[name]!;
  const storage = { input: storageOf(of("inputElementBytes")), output: storageOf(of("outputElementBytes")) };
  return {
    storage,
    images,
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
