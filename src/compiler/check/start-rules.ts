// Rules about the weights that training starts from, as far as the file alone tells.
import type { Diagnostic } from "../diagnostics/diagnostic.js";
import { nearest } from "../diagnostics/suggest.js";
import { parametersOf, statisticsOf } from "../network/parameters.js";
import type { ConfigRule, NetworkRule } from "./rule.js";

export const startRules: readonly ConfigRule[] = [digestIsGiven];
export const startNetworkRules: readonly NetworkRule[] = [newLayersAreThere];

const PATH = ["train", "start"];

/** What comes from elsewhere is what was meant only if its digest says so. */
function digestIsGiven({ train: { start } }: Parameters<ConfigRule>[0]): readonly Diagnostic[] {
  if (start === null) return [];
  const { weights, sha256 } = start;
  const fault = (message: string, key: string, hint: string): Diagnostic[] => [
    { code: "start/address", severity: "error", message, path: [...PATH, key], hint },
  ];
  if (sha256 !== null && !/^[0-9a-f]{64}$/.test(sha256)) {
    return fault(
      `the SHA-256 is ${JSON.stringify(sha256)}, expected 64 hexadecimal digits in lower case`,
      "sha256",
      "`sha256sum FILE` prints it",
    );
  }
  const [scheme] = /^[a-z][a-z0-9+.-]+:\/\//i.exec(weights) ?? [];
  if (scheme !== undefined && scheme !== "https://") {
    return fault(
      `weights are fetched by https alone, and the address begins with ${scheme}`,
      "weights",
      "write https://",
    );
  }
  if (scheme === undefined || sha256 !== null) return [];
  return fault(
    "weights that are fetched need their digest, which tells whether what arrives is what was meant",
    "weights",
    "add `sha256: …`, as its publisher gives it or `sha256sum FILE` prints it",
  );
}

function newLayersAreThere(
  { train: { start } }: Parameters<NetworkRule>[0],
  graph: Parameters<NetworkRule>[1],
): readonly Diagnostic[] {
  if (start === null) return [];
  const tensors = [...parametersOf(graph), ...statisticsOf(graph)].map(({ name }) => name);
  return start.new.flatMap((layer, index): Diagnostic[] => {
    if (tensors.some((name) => name === layer || name.startsWith(`${layer}.`))) return [];
    const meant = nearest(layer, layersOf(tensors, layer.split(".").length));
    return [
      {
        code: "start/unknown-name",
        severity: "error",
        message: `the network has no tensors called ${layer}, nor any below that name`,
        path: [...PATH, "new", index],
        hint: meant ? `did you mean \`${meant}\`?` : "`netc graph FILE` lists the layers",
      },
    ];
  });
}

/** What a name may stand for: each tensor, and every beginning of its name up to a dot; first those of so many parts. */
function layersOf(tensors: readonly string[], parts: number): string[] {
  const beginnings = tensors.flatMap((name) => {
    const words = name.split(".");
    return words.map((_, index) => words.slice(0, index + 1));
  });
  const isAlike = (words: readonly string[]): number => Math.abs(words.length - parts);
  return [...new Set(beginnings.sort((one, other) => isAlike(one) - isAlike(other)).map((words) => words.join(".")))];
}
