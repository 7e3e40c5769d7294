// The providers of kernels that there can be beside WebAssembly, and those that this machine has.
import type { KernelProvider } from "../../../compiler/lower/kernels/kernel-provider.js";
import type { Program } from "../../../compiler/program.js";
import { machineCode } from "./code/provider.js";
import { oneDnn } from "./onednn/provider.js";
import type { ProviderSource } from "./provider-source.js";

export const PROVIDER_SOURCES: readonly ProviderSource[] = [machineCode, oneDnn];

/** @throws UserError where the program asks for what no provider here computes. */
export async function providersHere(program: Program): Promise<KernelProvider[]> {
  const found = await Promise.all(PROVIDER_SOURCES.map(({ find }) => find(program)));
  return found.filter((provider) => provider !== undefined);
}

export async function describeProviders(): Promise<string> {
  return (await Promise.all(PROVIDER_SOURCES.map(({ describe }) => describe()))).join(", ");
}
