// What a match of weights leaves open → diagnostics: each tensor without a partner, on both sides, with the nearest name.
import type { StartConfig } from "../../compiler/config.js";
import type { Diagnostic } from "../../compiler/diagnostics/diagnostic.js";
import { flow } from "../../compiler/front/language/describe.js";
import type { Partnerless, WeightMatch } from "./match-weights.js";

const PATH = ["train", "start"];

export function matchFaults(
  match: WeightMatch,
  { weights, head }: Pick<StartConfig, "weights" | "head">,
): Diagnostic[] {
  const { missing, surplus, unknown, how, pairs } = match;
  const faults: Diagnostic[] = [];
  const byName = `${pairs.length} others have their partners ${how}`;
  if (missing.length > 0) {
    const isOfHeadAlone = head === "kept" && missing.every(({ tensor }) => tensor.name.startsWith("classifier."));
    faults.push({
      code: "start/missing-tensors",
      severity: "error",
      message: `${weights} has nothing for ${counted(missing.length)} of the network: ${listed(missing)}; ${byName}`,
      path: PATH,
      hint: isOfHeadAlone
        ? "write `head: new` to draw the classifier anew"
        : `name another file, or write ${pasted("new", missing)} to leave these as they are drawn`,
    });
  }
  if (surplus.length > 0) {
    faults.push({
      code: "start/surplus-tensors",
      severity: "error",
      message: `the network has no place for ${counted(surplus.length)} of ${weights}: ${listed(surplus)}; ${byName}`,
      path: PATH,
      hint:
        missing.length > 0
          ? "those that the network lacks show where it differs from the one that was trained"
          : `write ${pasted("skip", surplus)} to leave these out`,
    });
  }
  if (unknown.length > 0) {
    faults.push({
      code: "start/unknown-name",
      severity: "error",
      message: `${weights} holds no tensor called ${unknown.join(", ")}, nor any below such a name`,
      path: [...PATH, "skip"],
      hint: "`netc weights show FILE` lists the tensors of a file",
    });
  }
  return faults;
}

function counted(count: number): string {
  return count === 1 ? "1 tensor" : `${count} tensors`;
}

type Named = Partnerless<{ readonly name: string; readonly shape: readonly number[] }>;

function listed(tensors: readonly Named[]): string {
  return tensors
    .map(
      ({ tensor: { name, shape }, nearest }) =>
        `${name} [${shape.join(", ")}]${nearest ? ` (nearest: ${nearest})` : ""}`,
    )
    .join("; ");
}

const MOST_PASTED = 12;

/** Names of layers in place of their tensors, which are shorter to read. */
function pasted(key: "new" | "skip", tensors: readonly Named[]): string {
  const layers = [
    ...new Set(tensors.map(({ tensor: { name } }) => name.slice(0, Math.max(name.lastIndexOf("."), 0)) || name)),
  ];
  const few =
    layers.length <= MOST_PASTED ? layers : [...new Set(layers.map((name) => name.split(".").slice(0, 2).join(".")))];
  return `\`${key}: ${flow(few)}\``;
}
