// Emitted code made callable: the system's calls, through koffi, map pages that are written first and executed afterwards, never
// both, and never written again (W^X). Linux alone, until somebody can try it on another system.
import type { Koffi } from "../../native/load-koffi.js";

/** A kernel: up to six integers or addresses, nothing back. */
export type CodeKernel = (a: number, b: number, c: number, d: number, e: number, f: number) => void;

/** The system does not let code be made; the message says what it answered. */
export class NoExecutableMemory extends Error {}

export class ExecutableMemory {
  readonly #koffi: Koffi;
  readonly #system: System;
  readonly #prototype: unknown;

  /** @throws NoExecutableMemory where there is no such system. */
  constructor(koffi: Koffi) {
    if (process.platform !== "linux")
      throw new NoExecutableMemory(`machine code was not tried on ${process.platform} yet`);
    this.#koffi = koffi;
    this.#system = openSystem(koffi);
    const six = Array.from({ length: 6 }, () => "int64_t").join(", ");
    this.#prototype = koffi.proto(`void netc_kernel_${++prototypes}(${six})`);
  }

  /** Address of a view; what lies there has to be kept alive by the caller. */
  addressOf(view: ArrayBufferView): number {
    return Number(this.#koffi.address(view));
  }

  /** Address of the code, which any thread of this process may call. @throws NoExecutableMemory where the system refuses. */
  make(code: Uint8Array): number {
    const { mmap, mprotect, munmap, memcpy } = this.#system;
    const bytes = Math.ceil(code.length / PAGE) * PAGE;
    const address = mmap(0, bytes, READ | WRITE, PRIVATE | ANONYMOUS, -1, 0);
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
const [PRIVATE, ANONYMOUS] = [2, 32];

interface System {
  readonly mmap: (...values: number[]) => number;
  readonly mprotect: (...values: number[]) => number;
  readonly munmap: (...values: number[]) => number;
  readonly memcpy: (to: number, from: Uint8Array, bytes: number) => unknown;
}

/** Of the GNU library, or of musl's. */
const LIBRARIES = ["libc.so.6", "libc.musl-x86_64.so.1"];

function openSystem(koffi: Koffi): System {
  for (const name of LIBRARIES) {
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
  throw new NoExecutableMemory(`there is none of ${LIBRARIES.join(", ")}`);
}
