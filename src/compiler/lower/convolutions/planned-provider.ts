// What a provider's convolutions need of the heap, roughly, where none is at hand: memory is planned by it before a run that
// computes in bfloat16, which WebAssembly does not. Nothing runs it.
import type { KernelProvider } from "../kernels/kernel-provider.js";
import { suiting } from "./convolution-kernels.js";
import { filterBytes, imageBytes } from "./convolution-plan.js";
import { libraryConvolutions } from "./emit-library.js";

export const plannedKernels = libraryConvolutions("planned", [
  {
    name: "planned 0 direct",
    number: 0,
    cost: { products: 8, bytes: 0.03 },
    plan(_, sizes, imagesAtOnce) {
      const { input, output } = imageBytes(sizes);
      const units = Math.ceil(sizes.images / imagesAtOnce);
      const scratchBytes = imagesAtOnce * (input + output);
      return { units, packedBytes: filterBytes(sizes), pieces: 1, scratchBytes };
    },
  },
]);

export const plannedProvider: KernelProvider = {
  id: "planned",
  name: "planned",
  version: "0",
  candidates: (task) => suiting(plannedKernels, task),
};
