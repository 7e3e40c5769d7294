// The providers of kernels that there can be beside WebAssembly, and those that this machine has.
import type { KernelProvider } from "../../../compiler/lower/kernels/kernel-provider.js";
import type { Program } from "../../../compiler/program.js";
import { UserError } from "../../process/user-error.js";
import { machineCode } from "./code/provider.js";
import { ONEDNN_REMEDY, oneDnn } from "./onednn/provider.js";
import type { ProviderSource } from "./provider-source.js";

export const PROVIDER_SOURCES: readonly ProviderSource[] = [machineCode, oneDnn];

/** @throws UserError where the program asks for what no provider here computes. */
export async function providersHere(program: Program): Promise<KernelProvider[]> {
  const found = await Promise.all(PROVIDER_SOURCES.map(({ find }) => find(program)));
  const providers = found.filter((provider) => provider !== undefined);
  // WebAssembly's own convolutions read and write float32 alone
  if (program.config.train.precision !== "float32" && providers.length === 0) {
    throw new UserError(
      "train.precision: bfloat16 needs machine code, or oneDNN on a processor with AVX-512 BF16 or AMX; this machine is " +
        `${await describeProviders()}: ${machineCode.wayBack}, ${ONEDNN_REMEDY}, or write \`precision: float32\``,
    );
  }
  return providers;
}

export async function describeProviders(): Promise<string> {
  return (await Promise.all(PROVIDER_SOURCES.map(({ describe }) => describe()))).join(", ");
}
