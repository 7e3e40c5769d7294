// A lowered step up to its gradients with, for each call, the tensors it leaves in the heap: where to look for the first
// number that is none.
import type { Step, StepCall } from "./emit-step.js";
import { emitStep } from "./emit-step.js";
import type { KernelName } from "../kernels/kernels.js";
import { rowOf } from "../kernels/kernels.js";
import type { Dtype, StoredTensor } from "./layout.js";
import { storedBytes } from "./layout.js";
import type { KernelChoice } from "../kernels/kernel-provider.js";
import type { StepRequest } from "../step-requests.js";
import { placeSteps } from "../lower.js";
import type { Program } from "../../program.js";

export interface WrittenTensor {
  readonly name: string;
  readonly address: number;
  readonly bytes: number;
  readonly dtype: Dtype;
}

export interface InspectedStep {
  readonly step: Step;
  /** Without what follows the last gradient, so that running it changes no parameter. */
  readonly calls: readonly StepCall[];
  /** For each call of the step, in the order of its operands. */
  readonly written: readonly (readonly WrittenTensor[])[];
}

const AFTER_THE_GRADIENTS: ReadonlySet<KernelName> = new Set(["accumulate_gradients", "gradient_norm"]);

/** The step at `index` of what `lower` makes of the same arguments. */
export function inspectStep(
  program: Program,
  requests: readonly StepRequest[],
  threads: number,
  choice: KernelChoice,
  index: number,
): InspectedStep {
  const { selected, layout, addresses, tables, arena } = placeSteps(program, requests, threads, choice);
  const { request, calls: selectedCalls, allocation } = selected[index]!;
  const step = emitStep(request.batch, selectedCalls, allocation, {
    persistent: addresses,
    tables: tables[index]!,
    arena,
  });
  const stored = {
    gradients: layout.parameters,
    "micro-batch gradients": layout.parameters,
    statistics: layout.statistics,
  } as Readonly<Record<string, readonly StoredTensor[]>>;

  const written = selectedCalls.calls.map(({ kernel, operands }, call) => {
    const accesses = rowOf(kernel).operands;
    return Object.keys(accesses).flatMap((name, place): WrittenTensor[] => {
      const operand = operands[name];
      const isWritten = accesses[name] === "write" || accesses[name] === "update";
      if (!isWritten || typeof operand !== "object" || operand === null) return [];
      const address = step.calls[call]!.operands[place]!;
      const buffer = selectedCalls.buffers[operand.buffer]!;
      if (buffer.kind === "transient") {
        return [{ name: buffer.name, address, bytes: buffer.bytes, dtype: buffer.dtype }];
      }
      const tensor = stored[buffer.name]?.find(({ offset }) => offset === (operand.offset ?? 0));
      if (!tensor) return []; // a whole region: the update's, which is left out where a gradient is not finite
      const suffix = buffer.name === "statistics" ? "" : " gradient";
      return [{ name: tensor.name + suffix, address, bytes: storedBytes(tensor), dtype: "float32" }];
    });
  });
  const calls = step.calls.slice(
    0,
    step.calls.findIndex(({ kernel }) => AFTER_THE_GRADIENTS.has(kernel)),
  );
  return { step, calls, written };
}
