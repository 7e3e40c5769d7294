// Step → text that a person can read: each kernel call with its operands, sizes and heap addresses.
import type { Step } from "./emit-step.js";
import type { Access } from "../kernels/descriptor.js";
import { rowOf } from "../kernels/kernels.js";

export function printStep(step: Step): string {
  const width = String(step.calls.length - 1).length;
  const { first, end, parts } = step.repeated ?? { first: 0, end: 0, parts: 1 };
  const afterLast = first + parts * (end - first);
  const lines = step.calls.flatMap(({ kernel, node, operands }, index) => {
    if (index === end && parts > 1) {
      return [
        `${" ".repeat(width)}  calls ${first} to ${end - 1} once more for each other of ${parts} parts of the batch`,
      ];
    }
    if (index > end && index < afterLast) return [];
    const entries = Object.entries(rowOf(kernel).operands);
    const texts = entries.map(([name, access], position) => `${name}=${formatOperand(operands[position]!, access)}`);
    return [`${String(index).padStart(width)}  ${kernel}  # ${node}`, `${" ".repeat(width)}    ${texts.join(" ")}`];
  });
  const mebibytes = (step.arenaBytes / 2 ** 20).toFixed(1);
  return `step for ${step.batch} images: ${step.calls.length} kernel calls, arena ${mebibytes} MiB\n${lines.join("\n")}\n`;
}

/** Addresses are hexadecimal with their access: read `<`, write `>`, update `<>`, scratch `~`. */
function formatOperand(value: number, access: Access): string {
  const marks = { read: "<", write: ">", update: "<>", scratch: "~" } as const;
  if (access === "integer") return String(value);
  if (access === "float") return String(Math.fround(value) === value ? value : Number(value.toPrecision(9)));
  return value === 0 ? "-" : `${marks[access]}0x${value.toString(16)}`;
}
