// Emitted code made callable: the system's calls, through koffi, map pages that are written first and executed afterwards, never
// both, and never written again (W^X).
import type { CallingConvention } from "../../../../compiler/code/loops.js";
import { SYSTEM_V } from "../../../../compiler/code/loops.js";
import type { Koffi } from "../../native/load-koffi.js";

/** A kernel: up to six integers or addresses, nothing back. */
export type CodeKernel = (a: number, b: number, c: number, d: number, e: number, f: number) => void;

/** The system does not let code be made; the message says what it answered. */
export class NoExecutableMemory extends Error {}

/** A kind of machine on which code is made and run. */
interface Machine {
  /** How kernels are called there, which they are emitted for. */
  readonly convention: CallingConvention;
  /** Files of the C library, of which the first is taken that there is. */
  readonly libraries: readonly string[];
  /** Flags of mmap for pages that belong to no file. */
  readonly anonymous: number;
}

/**
 * By processor and system, as Node names them: a row for each kind on which somebody has tried it. Another system needs its row, and
 * its convention if it has one of its own; another processor an assembler beside asm-x64.ts, and kernels that write with it.
 */
const MACHINES: Readonly<Partial<Record<string, Machine>>> = {
  "x64 linux": {
    convention: SYSTEM_V,
    libraries: ["libc.so.6", "libc.musl-x86_64.so.1"], // the GNU library, and musl's
    anonymous: 0x20,
  },
};

/** @throws NoExecutableMemory where nobody has tried it yet. */
export function machineHere(architecture: string = process.arch, platform: string = process.platform): Machine {
  const machine = MACHINES[`${architecture} ${platform}`];
  if (!machine) throw new NoExecutableMemory(`there is none for ${architecture} on ${platform} yet`);
  return machine;
}

export class ExecutableMemory {
  readonly #koffi: Koffi;
  readonly #machine: Machine;
  readonly #system: System;
  readonly #prototype: unknown;

  /** @throws NoExecutableMemory where there is no such system. */
  constructor(koffi: Koffi, machine = machineHere()) {
    this.#koffi = koffi;
    this.#machine = machine;
    this.#system = openSystem(koffi, machine);
    const operands = machine.convention.operands.map(() => "int64_t").join(", ");
    this.#prototype = koffi.proto(`void netc_kernel_${++prototypes}(${operands})`);
  }

  /** Address of a view; what lies there has to be kept alive by the caller. */
  addressOf(view: ArrayBufferView): number {
    return Number(this.#koffi.address(view));
  }

  /** Address of the code, which any thread of this process may call. @throws NoExecutableMemory where the system refuses. */
  make(code: Uint8Array): number {
    const { mmap, mprotect, munmap, memcpy } = this.#system;
    const bytes = Math.ceil(code.length / PAGE) * PAGE;
    const address = mmap(0, bytes, READ | WRITE, PRIVATE | this.#machine.anonymous, -1, 0);
    if (address === -1) throw new NoExecutableMemory(`mmap failed (errno ${this.#koffi.errno()})`);
    memcpy(address, code, code.length);
    if (mprotect(address, bytes, READ | EXECUTE) !== 0) {
      const errno = this.#koffi.errno();
      munmap(address, bytes);
      throw new NoExecutableMemory(`the system refuses executable memory (mprotect: errno ${errno})`);
    }
    return address;
  }

  /** The code at an address, to be called by this thread. */
  kernelAt(address: number): CodeKernel {
    return this.#koffi.decode(BigInt(address), this.#prototype as never) as CodeKernel;
  }
}

/** A name of a prototype may be given once in a process. */
let prototypes = 0;

/** A multiple of every system's pages. */
const PAGE = 65_536;
const [READ, WRITE, EXECUTE] = [1, 2, 4];
const PRIVATE = 2;

interface System {
  readonly mmap: (...values: number[]) => number;
  readonly mprotect: (...values: number[]) => number;
  readonly munmap: (...values: number[]) => number;
  readonly memcpy: (to: number, from: Uint8Array, bytes: number) => unknown;
}

function openSystem(koffi: Koffi, { libraries }: Machine): System {
  for (const name of libraries) {
    try {
      const library = koffi.load(name);
      return {
        mmap: library.func("int64_t mmap(int64_t, size_t, int, int, int, int64_t)"),
        mprotect: library.func("int mprotect(int64_t, size_t, int)"),
        munmap: library.func("int munmap(int64_t, size_t)"),
        memcpy: library.func("void *memcpy(int64_t, const void *, size_t)"),
      } as unknown as System;
    } catch {
      continue; // the next one
    }
  }
  throw new NoExecutableMemory(`there is none of ${libraries.join(", ")}`);
}
