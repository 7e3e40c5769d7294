// The providers of a step's kernels → the modules that its threads open.
import type { KernelProvider, ThreadModule } from "../../../compiler/lower/kernels/kernel-provider.js";
import { kernels } from "../../../compiler/lower/kernels/kernels.js";
import type { StepCall } from "../../../compiler/lower/placement/emit-step.js";

/** What threads open: of `calls`, the providers that they go to; all of them without. */
export function threadModules(
  providers: readonly KernelProvider[],
  calls?: readonly StepCall[],
): (ThreadModule | undefined)[] {
  const needed = new Set(
    calls?.map(({ kernel, operands, provided }) => {
      return provided?.provider ?? operands[Object.keys(kernels[kernel]).indexOf("provider")];
    }),
  );
  return providers.map(({ thread }, place) => (!calls || needed.has(place) ? thread : undefined));
}
