// Kernel call → the bytes that it must move, by the rule in the kernel's row, as netc profile holds them against the copy peak.
import type { StepCall } from "../placement/emit-step.js";
import type { Sizes } from "./descriptor.js";
import { namedOperands, rowOf } from "./kernels.js";

/** `uses` are the calls of one operation that read the same input. */
export function bytesOf({ kernel, operands }: StepCall, uses = 1): number {
  const row = rowOf(kernel);
  const values: Sizes = namedOperands(kernel, operands);
  let bytes = 0;
  for (const [name, extent] of Object.entries(row.moves(values))) {
    if (values[name] === 0) continue; // an absent operand
    const goesBothWays = row.operands[name] === "update" && values["accumulate"] !== 0;
    bytes += (extent! * (goesBothWays ? 2 : 1)) / (name === "input" ? uses : 1);
  }
  return bytes;
}

/**
 * How many calls read a call's input for the same operation: a direct kernel computes a strided convolution's input gradient
 * class by class of its pixels, each from all of the output's gradient.
 */
export function usesOfInput(calls: readonly StepCall[]): number[] {
  // Each class has a table of offsets of its own; the parts of a batch come by the same calls again
  const classes = new Map<string, Set<number>>();
  const keys = calls.map(({ kernel, node, operands }) => {
    if (kernel !== "convolve_direct" || !node.endsWith(" input gradient")) return undefined;
    const { input, taps, offsets } = namedOperands(kernel, operands);
    if (taps === 0) return undefined;
    const key = `${node} ${input}`;
    classes.set(key, (classes.get(key) ?? new Set()).add(offsets!));
    return key;
  });
  return keys.map((key) => (key === undefined ? 1 : classes.get(key)!.size));
}
