// The work of `netc weights show`: a file of weights → its tensors as a table, or as JSON.
import { openWeights } from "../../runtime/weights/open-weights.js";
import { elementsIn } from "../../runtime/weights/formats/weights-file.js";
import type { ExitCode } from "../screen/exit-codes.js";
import { exitCodes } from "../screen/exit-codes.js";
import { jsonText, printLine, printLines } from "../screen/print.js";
import { counted, formatCount, tableLines } from "../screen/terminal.js";

export interface FormatFlags {
  readonly format: "text" | "json";
}

export type ShowFlags = FormatFlags;

export async function show(path: string, { format }: ShowFlags): Promise<ExitCode> {
  const file = await openWeights(path);
  await file.close();
  const { tensors, wrappers, others, objects, metadata } = file;
  if (format === "json") {
    const listed = tensors.map(({ name, dtype, shape }) => ({ name, dtype, shape }));
    const told = { path, format: file.format, wrappers, tensors: listed, otherTensors: others, objects, metadata };
    process.stdout.write(jsonText(told));
    return exitCodes.done;
  }
  const columns = [
    { title: "tensor", align: "left" },
    { title: "shape", align: "left" },
    { title: "type", align: "left" },
    { title: "values", align: "right" },
  ] as const;
  const rows = tensors.map(({ name, dtype, shape }) => [name, shapeText(shape), dtype, formatCount(elementsIn(shape))]);
  printLines(tableLines(columns, rows));
  const values = tensors.reduce((sum, { shape }) => sum + elementsIn(shape), 0);
  printLine("");
  printLine(`${path}: ${file.format}, ${counted(tensors.length, "tensor")} of ${counted(values, "value")}`);
  if (wrappers.length > 0) printLine(`they lie under ${wrappers.join(".")}`);
  if (others > 0)
    printLine(
      `${counted(others, "other tensor")} elsewhere in it, as of an optimizer, ${others === 1 ? "is" : "are"} left out`,
    );
  if (objects.length > 0) printLine(`not read, since only a program can: ${objects.join(", ")}`);
  for (const [key, value] of Object.entries(metadata)) printLine(`${key}: ${value}`);
  return exitCodes.done;
}

/** "[64, 3, 7, 7]" */
export function shapeText(shape: readonly number[]): string {
  return `[${shape.join(", ")}]`;
}
