// oneDNN as a source of kernels: whether this machine has it, and what a program can have of it.
import type { KernelProvider } from "../../../../compiler/lower/kernels/kernel-provider.js";
import type { Program } from "../../../../compiler/program.js";
import { findOneDnn } from "./find.js";
import type { ProviderSource } from "../provider-source.js";
import { oneDnnKernels } from "./kernels.js";

export const ONEDNN_REMEDY =
  "run `apt-get install libdnnl2` or `netc engine add onednn --yes`, or set NETC_ONEDNN to a libdnnl file";

export const oneDnn: ProviderSource = {
  name: "oneDNN",
  wayBack: "name the library that has it with NETC_ONEDNN",
  environment: ["ONEDNN_MAX_CPU_ISA", "DNNL_MAX_CPU_ISA"],
  async describe() {
    const found = await findOneDnn();
    return found.available ? `oneDNN ${found.version}` : `without oneDNN (${found.reason})`;
  },
  find,
};

async function find({ config }: Program): Promise<KernelProvider | undefined> {
  const found = await findOneDnn();
  if (!found.available) return undefined;
  if (config.train.precision === "float32") return oneDnnKernels(found, false);
  return found.bfloat16 ? oneDnnKernels(found, true) : undefined;
}
