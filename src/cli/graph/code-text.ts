// Program → the machine code of one of its steps as text: a table of the kernels, or the instructions of those that are asked for.
import { listingText } from "../../compiler/code/listing.js";
import { OPERANDS } from "../../compiler/code/works.js";
import { printable } from "../../compiler/diagnostics/printable.js";
import { nearest } from "../../compiler/diagnostics/suggest.js";
import { lower } from "../../compiler/lower/lower.js";
import type { StepMode } from "../../compiler/lower/step/differentiate.js";
import { stepsOfRun } from "../../compiler/lower/step-requests.js";
import type { Program } from "../../compiler/program.js";
import { chooseKernels } from "../../runtime/engines/wasm/choose-kernels.js";
import { instructionSet, machineCode, SET_NAMES } from "../../runtime/engines/wasm/code/provider.js";
import type { StepKernel } from "../../runtime/engines/wasm/code/step-kernels.js";
import { kernelsOfStep } from "../../runtime/engines/wasm/code/step-kernels.js";
import { UserError } from "../../runtime/process/user-error.js";
import { defaultThreads } from "../load/machine-limits.js";
import type { Column } from "../screen/terminal.js";
import { counted, formatCount, tableLines } from "../screen/terminal.js";

/** `wanted` is a kernel's name, or a layer's; without it the text is a table of what there is. */
export async function codeText(program: Program, which: StepMode, wanted: string | undefined): Promise<string> {
  const found = await instructionSet();
  if (!("set" in found)) {
    throw new UserError(
      `there is no machine code to show here: ${found.reason}; \`--step\` alone prints the calls of the step`,
    );
  }
  const threads = defaultThreads();
  const choice = await chooseKernels(program, threads, "measured");
  const { steps } = lower(program, stepsOfRun(program), threads, choice);
  const { step } = steps.find(({ mode }) => mode === which)!;
  const provider = choice.providers.findIndex(({ name }) => name === machineCode.name);
  const kernels = kernelsOfStep(step, provider, found.set);
  if (kernels.length === 0) {
    throw new UserError(
      "no call of this step is machine code: its layers are so small that netc does not measure what computes them fastest",
    );
  }
  return kernelsText(kernels, SET_NAMES[found.set], wanted);
}

/** @throws UserError where no kernel is meant, or too many are. */
export function kernelsText(kernels: readonly StepKernel[], setName: string, wanted: string | undefined): string {
  if (wanted === undefined) {
    return [
      `${counted(kernels.length, "kernel")} of machine code for ${setName}`,
      "",
      ...kernelTable(kernels),
      "",
    ].join("\n");
  }
  return kernelsNamed(kernels, wanted)
    .map((kernel) => kernelText(kernel, setName))
    .join("\n");
}

const COLUMNS: readonly Column[] = [
  { title: "kernel", align: "left" },
  { title: "bytes", align: "right" },
  { title: "instructions", align: "right" },
  { title: "calls", align: "right" },
  { title: "layers", align: "left" },
];

function kernelTable(kernels: readonly StepKernel[]): string[] {
  return tableLines(
    COLUMNS,
    kernels.map(({ name, bytes, listing, calls }) => [
      name,
      formatCount(bytes),
      formatCount(listing.length),
      String(calls.length),
      nodesOf(calls).join(", "),
    ]),
  );
}

function kernelsNamed(kernels: readonly StepKernel[], wanted: string): StepKernel[] {
  const named = kernels.filter(({ name, calls }) => name === wanted || nodesOf(calls).includes(wanted));
  if (named.length > 0) return named;
  const ofKind = kernels.filter(({ kind }) => kind === wanted);
  if (ofKind.length === 1) return ofKind;
  const names = (some: readonly StepKernel[]): string => some.map(({ name }) => name).join(", ");
  const closest = nearest(
    wanted,
    kernels.flatMap(({ name, calls }) => [name, ...nodesOf(calls)]),
  );
  const problem =
    ofKind.length > 1
      ? `${wanted} is a kind of ${ofKind.length} kernels: ${names(ofKind)}`
      : `"${wanted}" is no kernel of this step, and no layer with one: ${closest ? `did you mean ${closest}` : `there are ${names(kernels)}`}`;
  throw new UserError(`${problem}; \`--code\` alone lists them with their layers`);
}

function kernelText(kernel: StepKernel, setName: string): string {
  const { name, kind, of, bytes, listing, calls } = kernel;
  const operands = kind in OPERANDS ? OPERANDS[kind as keyof typeof OPERANDS] : [];
  return [
    `${name}: ${counted(bytes, "byte")}, ${counted(listing.length, "instruction")} for ${setName}`,
    `emitted of ${of}`,
    `for ${nodesOf(calls).map(printable).join(", ")}`,
    listingText(kernel, operands),
  ].join("\n");
}

function nodesOf(calls: StepKernel["calls"]): string[] {
  return [...new Set(calls.map(({ node }) => node))];
}
