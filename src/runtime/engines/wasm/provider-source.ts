// Where a provider of kernels beside WebAssembly comes from: one implementation a folder, listed in providers.ts.
import type { KernelProvider } from "../../../compiler/lower/kernels/kernel-provider.js";
import type { Program } from "../../../compiler/program.js";

export interface ProviderSource {
  /** As the names of its kernels begin. */
  readonly name: string;
  /** What this machine has for the program. @throws UserError where the program cannot be computed without it. */
  readonly find: (program: Program) => Promise<KernelProvider | undefined>;
  /** "name 1.2", or "without name (reason)"; it may load what it looks for. */
  readonly describe: () => Promise<string>;
  /** What brings back kernels that a run began with, in words that "or" follows. */
  readonly wayBack: string;
  /** Names of environment variables that change how fast its kernels are. */
  readonly environment: readonly string[];
}
