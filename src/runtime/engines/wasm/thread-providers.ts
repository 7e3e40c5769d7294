// The providers of kernels on one thread, as the WebAssembly module calls them: each call is read from the heap once, and read
// anew where another step was written to its place.
import { invariant } from "../../../compiler/diagnostics/diagnostic.js";
import type {
  OpenProvider,
  ProductOperands,
  ProvidedCall,
  ThreadModule,
  ThreadProvider,
} from "../../../compiler/lower/kernels/kernel-provider.js";
import { kernelNames, rowOf } from "../../../compiler/lower/kernels/kernels.js";

/** What the module imports of its host for them. */
export interface ProviderImports {
  readonly provide: (provider: number, kernel: number, address: number, round: number, unit: number) => void;
  readonly multiply: (provider: number, ...product: ProductOperands) => void;
}

/** Undefined stands for a provider that no call of the steps needs. */
export async function openProviders(
  modules: readonly (ThreadModule | undefined)[],
  memory: WebAssembly.Memory,
  thread: number,
): Promise<ProviderImports> {
  const opened = await Promise.all(
    modules.map(async (one) => {
      if (!one) return undefined;
      const { open } = (await import(one.module)) as { open: OpenProvider };
      return await open(memory, thread, one.setup);
    }),
  );
  return importsOf(opened, memory);
}

export function importsOf(
  opened: readonly (ThreadProvider | undefined)[],
  memory: WebAssembly.Memory,
): ProviderImports {
  const calls = new Map<number, { readonly words: Int32Array; readonly call: ProvidedCall }>();
  const callAt = (kernel: number, address: number): ProvidedCall => {
    const name = kernelNames[kernel]!;
    const accesses = Object.entries(rowOf(name).operands);
    const words = new Int32Array(memory.buffer, address, accesses.length);
    const known = calls.get(address);
    const isKnown = known?.call.kernel === name && known.words.every((word, index) => word === words[index]);
    if (isKnown) return known.call;
    const view = new DataView(memory.buffer, address);
    const numberAt = (access: string, at: number): number => {
      if (access === "float") return view.getFloat32(at, true);
      return access === "integer" ? view.getInt32(at, true) : view.getUint32(at, true);
    };
    const operands = accesses.map(([operand, access], index) => [operand, numberAt(access, index * 4)] as const);
    const call = { kernel: name, operands: Object.fromEntries(operands) };
    calls.set(address, { words: words.slice(), call });
    return call;
  };
  return {
    provide(provider, kernel, address, round, unit) {
      const run = opened[provider];
      invariant(run?.run, `thread was given no provider ${provider} for ${kernelNames[kernel]}`);
      run.run(callAt(kernel, address >>> 0), round, unit);
    },
    multiply(provider, ...product) {
      const multiplier = opened[provider];
      invariant(multiplier?.multiply, `thread was given no provider ${provider} that multiplies`);
      multiplier.multiply(...product);
    },
  };
}
