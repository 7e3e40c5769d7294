// Machine code on one thread of the wasm engine: emits the kernels that a call asks for where it first meets them, and runs its
// units at addresses in the shared heap.
import { Assembler } from "../../../../compiler/code/asm-x64.js";
import type { InstructionSet } from "../../../../compiler/code/instruction-set.js";
import type { StridedProduct } from "../../../../compiler/code/product.js";
import { stridedProduct, stridedScratchBytes } from "../../../../compiler/code/product.js";
import { fusedNorm } from "../../../../compiler/code/norms/fused.js";
import type { CallAddresses } from "../../../../compiler/code/norms/norm-works.js";
import { roundsOf } from "../../../../compiler/code/norms/norm-works.js";
import type { Call, Code } from "../../../../compiler/code/works.js";
import { CODE_METHODS, emit } from "../../../../compiler/code/works.js";
import type {
  OpenProvider,
  ProductOperands,
  ProvidedCall,
  ThreadProvider,
} from "../../../../compiler/lower/kernels/kernel-provider.js";
import { rowOf } from "../../../../compiler/lower/kernels/kernels.js";
import { loadKoffi } from "../../native/load-koffi.js";
import { isConvolution, readConvolution } from "../convolution-call.js";
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

type Work = (round: number, unit: number) => void;

/** As bits of what a product is told of its factors. */
const [LEFT, RIGHT] = [1, 2];

export class CodeThread implements ThreadProvider {
  private readonly base: number;
  private readonly works = new WeakMap<ProvidedCall, Work>();
  /** Kept alive for code that knows their addresses. */
  private readonly words: DataView[] = [];
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
    let work = this.works.get(call);
    if (!work) this.works.set(call, (work = isConvolution(call) ? this.convolution(call) : this.rounds(call)));
    work(round, unit);
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

  private convolution(call: ProvidedCall): Work {
    const { method, pass, sizes, rounds, addresses, scratch } = readConvolution(call, this.base, this.thread);
    const work = Object.values(CODE_METHODS)[method]?.[pass]?.(this.set, sizes);
    if (!work) throw new Error(`no method ${method} of machine code for ${call.kernel}`);
    const at = { ...addresses, norm: fusedNorm(this.set, call, this.addressesOf(call), this.thread) };
    return (round, unit) => work[rounds[round]!](unit, at, scratch, this.call);
  }

  private rounds(call: ProvidedCall): Work {
    const rounds = roundsOf(this.set, call.kernel, call.operands);
    if (!rounds) throw new Error(`no machine code for ${call.kernel}`);
    const addresses = this.addressesOf(call);
    return (round, unit) => rounds[round]!.run(unit, addresses, this.call);
  }

  private addressesOf({ kernel, operands }: ProvidedCall): CallAddresses {
    const at = (name: string): number => this.base + (operands[name]! >>> 0);
    const words = new DataView(new ArrayBuffer(Object.keys(operands).length * 8));
    Object.entries(rowOf(kernel).operands).forEach(([name, access], index) => {
      if (access === "integer" || access === "float") words.setFloat64(index * 8, operands[name]!, true);
      else words.setBigInt64(index * 8, BigInt(at(name)), true);
    });
    this.words.push(words);
    return { operands: this.host.addressOf(words), at };
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
