// What a thread of the wasm engine does when a step's call goes to oneDNN: finds out what the call asks for, and runs one
// unit of it at addresses inside the shared heap. Primitives are made when a call is first met, and kept.
import type {
  OpenProvider,
  ProductOperands,
  ProvidedCall,
  ThreadProvider,
} from "../../../../compiler/lower/kernels/kernel-provider.js";
import { Abi } from "./abi.js";
import { METHODS, workOf } from "./methods.js";
import type { ConvolutionCall } from "../convolution-call.js";
import { readConvolution } from "../convolution-call.js";
import type { LibraryWork } from "./work.js";
import { loadKoffi } from "../../native/load-koffi.js";

const [LEFT, RIGHT] = [1, 2];

export const open: OpenProvider = async (memory, thread, file) =>
  new OneDnnThread(new Abi(await loadKoffi(), file as string), memory, thread);

class OneDnnThread implements ThreadProvider {
  private readonly base: number;
  private readonly calls = new WeakMap<ProvidedCall, ConvolutionCall & { readonly work: LibraryWork }>();
  private readonly works = new Map<string, LibraryWork>();

  constructor(
    private readonly abi: Abi,
    memory: WebAssembly.Memory,
    private readonly thread: number,
  ) {
    this.base = abi.addressOf(new Uint8Array(memory.buffer)); // growing does not move it
  }

  run(call: ProvidedCall, round: number, unit: number): void {
    let known = this.calls.get(call);
    if (!known) {
      const read = readConvolution(call, this.base, this.thread);
      this.calls.set(call, (known = { ...read, work: this.workOf(read) }));
    }
    known.work[known.rounds[round]!](unit, known.addresses, known.scratch);
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

  private workOf({ pass, method, imagesAtOnce, sizes }: ConvolutionCall): LibraryWork {
    const key = JSON.stringify([pass, method, imagesAtOnce, sizes]);
    let work = this.works.get(key);
    if (!work) this.works.set(key, (work = workOf(this.abi, METHODS[method]!, pass, sizes, imagesAtOnce)));
    return work;
  }
}
