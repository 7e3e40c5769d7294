// A lowered step → the kernels of machine code that its calls run, as listings: what `netc graph --code` prints. Nothing is executed.
import { Assembler } from "../../../../compiler/code/asm-x64.js";
import type { InstructionSet } from "../../../../compiler/code/instruction-set.js";
import type { Listed } from "../../../../compiler/code/listing.js";
import type { ProvidedCall } from "../../../../compiler/lower/kernels/kernel-provider.js";
import { namedOperands } from "../../../../compiler/lower/kernels/kernels.js";
import type { Step, StepCall } from "../../../../compiler/lower/placement/emit-step.js";
import { CodeThread } from "./thread.js";

export interface StepKernel extends Listed {
  /** Of its kind and its place among those of the step: "winograd.2". */
  readonly name: string;
  readonly kind: string;
  /** What it was emitted of, as JSON. */
  readonly of: string;
  readonly calls: readonly StepCall[];
}

/** `provider` is the place of machine code among the providers of the step. */
export function kernelsOfStep({ calls }: Pick<Step, "calls">, provider: number, set: InstructionSet): StepKernel[] {
  const kernels = new Map<string, StepKernel & { readonly calls: StepCall[] }>();
  let current: StepCall | undefined;
  const host = {
    addressOf: () => 0,
    kernelFor(key: string, emitted: (a: Assembler) => Uint8Array) {
      let kernel = kernels.get(key);
      if (!kernel) {
        const a = new Assembler({ lists: true });
        const bytes = emitted(a).length;
        const [kind = ""] = key.split(" ", 1);
        const place = [...kernels.values()].filter((other) => other.kind === kind).length + 1;
        const { listing, notes } = a;
        const of = key.slice(kind.length + 1);
        kernels.set(key, (kernel = { name: `${kind}.${place}`, kind, of, bytes, listing, notes, calls: [] }));
      }
      if (current && !kernel.calls.includes(current)) kernel.calls.push(current);
      return () => undefined;
    },
  };
  const thread = new CodeThread(host, new WebAssembly.Memory({ initial: 1 }), 0, set);
  for (const call of calls) {
    if (call.provided?.provider !== provider) continue;
    current = call;
    const provided: ProvidedCall = { kernel: call.kernel, operands: namedOperands(call.kernel, call.operands) };
    for (const [round, units] of call.provided.units.entries())
      for (let unit = 0; unit < units; unit++) thread.run(provided, round, unit);
  }
  return [...kernels.values()];
}
