// A network and a file of weights → which tensor of the file becomes which of the network, by name, or else in the order of
// both where shapes leave no doubt. Each tensor of either side has a partner, is named by the configuration, or is a fault.
import type { StartConfig } from "../../compiler/config.js";
import { editDistance } from "../../compiler/diagnostics/suggest.js";
import type { ShapedGraph } from "../../compiler/network/graph.js";
import { pytorchShapes } from "../../compiler/targets/pytorch-layout.js";
import { commonPrefix, dialects, dialectsOf, inNetc } from "./dialects.js";
import type { StoredTensor, WeightsFile } from "./formats/weights-file.js";
import { elementsIn } from "./formats/weights-file.js";

/** A tensor of the network, in PyTorch's layout. */
export interface NetworkTensor {
  readonly name: string;
  readonly shape: readonly number[];
}

export interface Partnerless<Tensor> {
  readonly tensor: Tensor;
  /** The name nearest to its own among those of the other side that have no partner either. */
  readonly nearest: string | undefined;
}

export interface WeightMatch {
  /** A clause: "by name, as torchvision, timm and mmpretrain have them". */
  readonly how: string;
  readonly pairs: readonly { readonly tensor: NetworkTensor; readonly stored: StoredTensor }[];
  /** What keeps the values that it was drawn with, as the configuration allows. */
  readonly fresh: readonly NetworkTensor[];
  /** What of the file is not used, as the configuration allows; counts of batches are in no network of netc's. */
  readonly skipped: readonly StoredTensor[];
  readonly missing: readonly Partnerless<NetworkTensor>[];
  readonly surplus: readonly Partnerless<StoredTensor>[];
  /** Names that `new` and `skip` have and nothing fits. */
  readonly unknown: readonly string[];
}

type Wishes = Pick<StartConfig, "head" | "new" | "skip">;

export function matchWeights(
  graph: ShapedGraph,
  file: Pick<WeightsFile, "tensors" | "isInOrder">,
  wishes: Wishes,
): WeightMatch {
  const network = [...pytorchShapes(graph)].map(([name, shape]) => ({ name, shape }));
  const [skipped, offered] = parted(file.tensors, ({ name }) => COUNTER.test(name) || isNamed(name, wishes.skip));
  const byName = matchByName(graph, network, offered, wishes);
  const isWhole = byName.missing.length === 0 && byName.surplus.length === 0;
  const match = isWhole ? byName : (matchInOrder(graph, network, offered, file.isInOrder, wishes) ?? byName);
  const unknown = wishes.skip.filter((name) => !file.tensors.some((tensor) => isNamed(tensor.name, [name])));
  return { ...match, skipped: [...skipped, ...match.skipped], unknown };
}

type Matched = Omit<WeightMatch, "unknown">;

/** PyTorch's batch norms count the batches that they have seen. */
const COUNTER = /(^|\.)num_batches_tracked$/;

/** Whether a name is one of these, or within a layer of that name. */
export function isNamed(name: string, names: readonly string[]): boolean {
  return names.some((one) => name === one || name.startsWith(`${one}.`));
}

/** Tensors of the layer that tells the classes apart: the last linear one. */
export function isOfHead({ nodes }: ShapedGraph, name: string): boolean {
  const head = nodes.findLast(({ op }) => op.kind === "linear")?.name;
  return head !== undefined && name.startsWith(`${head}.`);
}

function matchByName(
  graph: ShapedGraph,
  network: readonly NetworkTensor[],
  offered: readonly StoredTensor[],
  wishes: Wishes,
): Matched {
  const prefix = commonPrefix(offered.map(({ name }) => name));
  const known = new Map(network.map((tensor) => [tensor.name, tensor]));
  const readings = [...dialects, ...dialectsOf([...known.keys()])].map((dialect) => {
    const names = offered.map(({ name }) => inNetc(name.slice(prefix.length), dialect));
    return { dialect, names, found: names.filter((name) => known.has(name)).length };
  });
  const best = readings.reduce((most, one) => (one.found > most.found ? one : most));
  const partners = new Map<string, StoredTensor>();
  const skipped: StoredTensor[] = [];
  const surplus: StoredTensor[] = [];
  offered.forEach((stored, index) => {
    const name = best.names[index]!;
    const tensor = known.get(name);
    if ((wishes.head === "new" && isOfHead(graph, name)) || (tensor && isNamed(name, wishes.new))) skipped.push(stored);
    else if (tensor && !partners.has(name) && fits(tensor.shape, stored.shape)) partners.set(name, stored);
    else surplus.push(stored);
  });
  const [paired, single] = parted(network, ({ name }) => partners.has(name));
  const [fresh, missing] = parted(single, (tensor) => staysNew(graph, tensor, wishes));
  const nameOf = new Map(offered.map((stored, index) => [stored, best.names[index]!]));
  const inNames = `as ${best.dialect.name} ${best.dialect.name.includes(" and ") ? "have" : "has"} them`;
  return {
    how: `by name, ${inNames}${prefix ? `, behind \`${prefix}\`` : ""}`,
    pairs: paired.map((tensor) => ({ tensor, stored: partners.get(tensor.name)! })),
    fresh,
    skipped,
    // Looked for when it is asked for: it takes longer than all the rest, and who tries many networks does not ask
    missing: missing.map((tensor) => ({
      tensor,
      get nearest() {
        return nearestOf(tensor.name, surplus, (other) => nameOf.get(other)!)?.name;
      },
    })),
    surplus: surplus.map((tensor) => ({
      tensor,
      get nearest() {
        return nearestOf(nameOf.get(tensor)!, missing, ({ name }) => name)?.name;
      },
    })),
  };
}

function staysNew(graph: ShapedGraph, { name }: NetworkTensor, wishes: Wishes): boolean {
  return (wishes.head === "new" && isOfHead(graph, name)) || isNamed(name, wishes.new);
}

/**
 * In the order of execution: only where the file keeps the order in which its program registered them, both sides have equally
 * many, and each has the shape and kind of the other. Undefined where that is not so.
 */
function matchInOrder(
  graph: ShapedGraph,
  network: readonly NetworkTensor[],
  offered: readonly StoredTensor[],
  isInOrder: boolean,
  wishes: Wishes,
): Matched | undefined {
  if (!isInOrder) return undefined;
  const [fresh, wanted] = parted(network, (tensor) => staysNew(graph, tensor, wishes));
  // A head that is left behind is the last of its file
  const isHead = ({ shape, name }: StoredTensor): boolean =>
    shape.length === 2 || (kindOf(name) === "bias" && shape.length === 1);
  const body =
    wishes.head === "new" ? offered.slice(0, offered.findLastIndex((stored) => !isHead(stored)) + 1) : offered;
  if (wanted.length !== body.length || wanted.length === 0) return undefined;
  const isSame = wanted.every(({ name, shape }, index) => {
    const stored = body[index]!;
    return kindOf(name) === kindOf(stored.name) && fits(shape, stored.shape);
  });
  if (!isSame) return undefined;
  return {
    how: "in the order of both, since every shape agrees and the names are of no known kind",
    pairs: wanted.map((tensor, index) => ({ tensor, stored: body[index]! })),
    fresh,
    skipped: offered.slice(body.length),
    missing: [],
    surplus: [],
  };
}

/** "weight", "running_mean" */
function kindOf(name: string): string {
  return name.slice(name.lastIndexOf(".") + 1);
}

/** A 1×1 convolution over one pixel is a linear layer: sides of 1 at the end make no difference. */
function fits(one: readonly number[], other: readonly number[]): boolean {
  const rank = Math.max(one.length, other.length);
  if (elementsIn(one) !== elementsIn(other) || one.length === 0 || other.length === 0) return false;
  return Array.from({ length: rank }, (_, axis) => (one[axis] ?? 1) === (other[axis] ?? 1)).every(Boolean);
}

const MOST_COMPARED = 200; // of each side: beyond, every name is a foreign one

function nearestOf<Tensor>(
  name: string,
  others: readonly Tensor[],
  nameOf: (tensor: Tensor) => string,
): Tensor | undefined {
  let best: Tensor | undefined;
  let least = Infinity;
  for (const other of others.slice(0, MOST_COMPARED)) {
    if (kindOf(nameOf(other)) !== kindOf(name)) continue;
    const distance = editDistance(name.slice(-LONGEST_COMPARED), nameOf(other).slice(-LONGEST_COMPARED));
    if (distance < least) [best, least] = [other, distance];
  }
  return best;
}

const LONGEST_COMPARED = 64; // characters

function parted<T>(all: readonly T[], belongs: (one: T) => boolean): [T[], T[]] {
  const [first, second]: [T[], T[]] = [[], []];
  for (const one of all) (belongs(one) ? first : second).push(one);
  return [first, second];
}
