// The providers of a step's kernels → the modules that its threads open.
import type { Sizes } from "../../../compiler/lower/kernels/descriptor.js";
import type { KernelProvider, ThreadModule } from "../../../compiler/lower/kernels/kernel-provider.js";
import { namedOperands } from "../../../compiler/lower/kernels/kernels.js";
import type { StepCall } from "../../../compiler/lower/placement/emit-step.js";

/** What threads open: of `calls`, the providers that they go to; all of them without. */
export function threadModules(
  providers: readonly KernelProvider[],
  calls?: readonly StepCall[],
): (ThreadModule | undefined)[] {
  const needed = new Set(
    calls?.map(({ kernel, operands, provided }): number | undefined => {
      const named: Sizes = namedOperands(kernel, operands);
      return provided?.provider ?? named["provider"];
    }),
  );
  return providers.map(({ thread }, place) => (!calls || needed.has(place) ? thread : undefined));
}
