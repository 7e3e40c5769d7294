// Machine code on one thread of the wasm engine: emits the kernels that a call asks for where it first meets them, and runs its
// units at addresses in the shared heap.
import { Assembler } from "../../../../compiler/code/asm-x64.js";
import type { InstructionSet } from "../../../../compiler/code/instruction-set.js";
import type { StridedProduct } from "../../../../compiler/code/product.js";
import { stridedProduct, stridedScratchBytes } from "../../../../compiler/code/product.js";
import type { Call, Code, CodeWork } from "../../../../compiler/code/works.js";
import { CODE_METHODS, emit } from "../../../../compiler/code/works.js";
import type {
  OpenProvider,
  ProductOperands,
  ProvidedCall,
  ThreadProvider,
} from "../../../../compiler/lower/kernels/kernel-provider.js";
import { loadKoffi } from "../../native/load-koffi.js";
import type { ConvolutionCall } from "../convolution-call.js";
import { readConvolution } from "../convolution-call.js";
import type { CodeKernel } from "./executable-memory.js";
import { ExecutableMemory } from "./executable-memory.js";

export const open: OpenProvider = async (memory, thread, set) =>
  new CodeThread(hostOf(new ExecutableMemory(await loadKoffi())), memory, thread, set as InstructionSet);

/** Who makes kernels of code, and knows addresses. */
export interface CodeHost {
  readonly addressOf: (view: ArrayBufferView) => number;
  /** The kernel of that name, emitted with what it is given where it is not there yet. */
  readonly kernelFor: (key: string, emitted: (a: Assembler) => Uint8Array) => CodeKernel;
}

function hostOf(executable: ExecutableMemory): CodeHost {
  const kernels = new Map<string, CodeKernel>();
  return {
    addressOf: (view) => executable.addressOf(view),
    kernelFor(key, emitted) {
      let kernel = kernels.get(key);
      if (!kernel) kernels.set(key, (kernel = executable.kernelAt(executable.make(emitted(new Assembler())))));
      return kernel;
    },
  };
}

/** As bits of what a product is told of its factors. */
const [LEFT, RIGHT] = [1, 2];

export class CodeThread implements ThreadProvider {
  private readonly base: number;
  private readonly works = new WeakMap<ProvidedCall, ConvolutionCall & { readonly work: CodeWork }>();
  /** For the panels of products, as large as the largest has asked for. */
  private panels = new Float32Array(0);

  constructor(
    private readonly host: CodeHost,
    memory: WebAssembly.Memory,
    private readonly thread: number,
    private readonly set: InstructionSet,
  ) {
    this.base = host.addressOf(new Uint8Array(memory.buffer)); // growing does not move it
  }

  run(call: ProvidedCall, round: number, unit: number): void {
    let known = this.works.get(call);
    if (!known) this.works.set(call, (known = this.read(call)));
    known.work[known.rounds[round]!](unit, known.addresses, known.scratch, this.call);
  }

  multiply(
    ...[transposed, rows, columns, depth, left, leftRow, right, rightRow, adds, result, resultRow]: ProductOperands
  ): void {
    const sizes: StridedProduct = {
      ...{ rows, columns, depth, leftRow, rightRow, resultRow, adds: adds !== 0 },
      leftTransposed: (transposed & LEFT) !== 0,
      rightTransposed: (transposed & RIGHT) !== 0,
    };
    const floats = stridedScratchBytes(this.set, sizes) / 4;
    if (this.panels.length < floats) this.panels = new Float32Array(floats);
    const kernel = this.host.kernelFor(`product ${JSON.stringify([this.set, sizes])}`, (a) =>
      stridedProduct(this.set, sizes, a),
    );
    const at = (address: number): number => this.base + (address >>> 0);
    kernel(at(left), at(right), at(result), this.host.addressOf(this.panels), 0, 0);
  }

  private read(call: ProvidedCall): ConvolutionCall & { readonly work: CodeWork } {
    const read = readConvolution(call, this.base, this.thread);
    const work = Object.values(CODE_METHODS)[read.method]?.[read.pass]?.(this.set, read.sizes);
    if (!work) throw new Error(`no method ${read.method} of machine code for ${call.kernel}`);
    return { ...read, work };
  }

  private readonly call: Call = (code: Code, ...[a = 0, b = 0, c = 0, d = 0, e = 0, f = 0]) => {
    this.host.kernelFor(`${code.name} ${JSON.stringify(code.of)}`, (assembler) => emit(code, assembler))(
      a,
      b,
      c,
      d,
      e,
      f,
    );
  };
}
