// A run → `model.safetensors` as PyTorch's users know it: names of the generated model's state_dict, filters [out, in, height,
// width], linear layers [out, in]. `load_state_dict(strict=True)` takes it.
import { toPytorch } from "../../compiler/targets/pytorch-layout.js";
import type { Program } from "../../compiler/program.js";
import { statisticsOf } from "../../compiler/network/parameters.js";
import { classNames } from "../data/class-names.js";
import type { State } from "../engines/engine.js";
import type { CountTensor, Tensor } from "../files/safetensors.js";
import { encodeSafetensors } from "../files/safetensors.js";
import { preprocessingOf } from "./preprocessing.js";

/** The file's bytes, in pieces. `steps` is how many batches the norms have seen. */
export function pytorchSafetensors({ graph, config }: Program, state: State, steps: number): Uint8Array[] {
  const tensors = new Map<string, Tensor | CountTensor>(toPytorch(graph, state));
  for (const { name, role } of statisticsOf(graph)) {
    if (role !== "running_mean") continue;
    const counter = name.replace(/running_mean$/, "num_batches_tracked");
    tensors.set(counter, { shape: [], data: BigInt64Array.of(BigInt(steps)) });
  }
  return encodeSafetensors(tensors, {
    format: "pt",
    classes: JSON.stringify(classNames(config)),
    preprocessing: JSON.stringify(preprocessingOf(config, { layout: "NCHW", type: "float32" })),
  });
}
