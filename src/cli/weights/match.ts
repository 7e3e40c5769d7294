// The work of `netc weights match`: a file of weights and that of a network → who meets whom.
import type { ResolvedConfig } from "../../compiler/config.js";
import { matchFaults } from "../../runtime/weights/match-faults.js";
import { matchWeights } from "../../runtime/weights/match-weights.js";
import { openWeights } from "../../runtime/weights/open-weights.js";
import { loadFile } from "../load/load-file.js";
import type { ExitCode } from "../screen/exit-codes.js";
import { exitCodes } from "../screen/exit-codes.js";
import { jsonText, printLine, printLines } from "../screen/print.js";
import { counted, tableLines } from "../screen/terminal.js";
import type { FormatFlags } from "./show.js";
import { shapeText } from "./show.js";

export interface MatchFlags extends FormatFlags {
  readonly set: readonly string[];
}

/** Where the file of the network has no `train.start`: everything is to have a partner. */
const ALL: Pick<NonNullable<ResolvedConfig["train"]["start"]>, "head" | "new" | "skip"> = {
  head: "kept",
  new: [],
  skip: [],
};

export async function match(path: string, file: string, { format, set }: MatchFlags): Promise<ExitCode> {
  const loaded = await loadFile(file, set);
  if (!loaded) return exitCodes.inputHasErrors;
  const { graph, config } = loaded.program;
  const wishes = config.train.start ?? ALL;
  const weights = await openWeights(path);
  await weights.close();
  const found = matchWeights(graph, weights, wishes);
  const faults = matchFaults(found, { weights: path, head: wishes.head });
  const exitCode = faults.length > 0 ? exitCodes.inputHasErrors : exitCodes.done;
  const { pairs, fresh, skipped, missing, surplus, how } = found;
  if (format === "json") {
    const nameOf = ({ name }: { readonly name: string }): string => name;
    const alone = (all: typeof missing | typeof surplus) =>
      all.map(({ tensor: { name, shape }, nearest }) => ({ name, shape, nearest: nearest ?? null }));
    const told = {
      how,
      pairs: pairs.map(({ tensor, stored }) => ({ network: tensor.name, file: stored.name, shape: tensor.shape })),
      new: fresh.map(nameOf),
      skipped: skipped.map(nameOf),
      missing: alone(missing),
      surplus: alone(surplus),
    };
    process.stdout.write(jsonText(told));
    return exitCode;
  }
  const columns = ["network", "shape", "file"].map((title) => ({ title, align: "left" }) as const);
  printLines(
    tableLines(columns, [
      ...pairs.map(({ tensor, stored }) => [tensor.name, shapeText(tensor.shape), stored.name]),
      ...fresh.map(({ name, shape }) => [name, shapeText(shape), "(drawn anew)"]),
      ...missing.map(({ tensor: { name, shape }, nearest }) => [name, shapeText(shape), `MISSING${near(nearest)}`]),
      ...skipped.map(({ name, shape }) => ["(not used)", shapeText(shape), name]),
      ...surplus.map(({ tensor: { name, shape }, nearest }) => [`SURPLUS${near(nearest)}`, shapeText(shape), name]),
    ]),
  );
  printLine("");
  printLine(`${counted(pairs.length, "tensor")} of ${path} matched ${how}`);
  for (const { message, hint } of faults) {
    printLine(`${message.split(": ")[0]!}${hint ? `; ${hint}` : ""}`);
  }
  return exitCode;
}

function near(nearest: string | undefined): string {
  return nearest === undefined ? "" : ` (nearest: ${nearest})`;
}
