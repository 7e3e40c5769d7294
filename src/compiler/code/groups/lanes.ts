// How the lanes of a vector find the channels that they are multiplied by, where a convolution has groups: each its own channel
// (depthwise), each one of its four (groups of four, of which a vector holds several), or all the same one.
import type { Assembler, General, Vector } from "../asm-x64.js";
import { at } from "../asm-x64.js";
import type { InstructionSet, Panel } from "../instruction-set.js";
import { spreads } from "../instruction-set.js";

/** Maps and window; `lanes` are those of the map before the convolution, `columns` of the one behind it. */
export interface GroupSizes {
  readonly images: number;
  readonly height: number;
  readonly width: number;
  readonly lanes: number;
  readonly outHeight: number;
  readonly outWidth: number;
  readonly columns: number;
  readonly window: readonly [height: number, width: number];
  readonly stride: readonly [height: number, width: number];
  readonly dilation: readonly [height: number, width: number];
  readonly padding: { readonly top: number; readonly left: number };
  readonly join: Join;
}

/** "each": lane by lane; "fours": by groups of four channels; "one": this kernel is of one group, of so many channels in and out. */
export type Join =
  | { readonly kind: "each" | "fours" }
  | { readonly kind: "one"; readonly inputs: number; readonly outputs: number };

/** How many channels each lane is multiplied by, and how many lanes a kernel goes over: those of the map that it writes, or of its group. */
export function depthOf(join: Join, side: "inputs" | "outputs"): number {
  if (join.kind === "one") return join[side];
  return join.kind === "each" ? 1 : 4;
}

/** Whether what is read moves on with the panels of what is written. */
export function movesAlong({ kind }: Join): boolean {
  return kind !== "one";
}

/**
 * sum += factor · channel `k` of the pixel whose first channel for these lanes lies at `base` + `displacement`; vector `v` of the
 * panel. `spread` is free to use.
 */
export function multiplyAdd(
  a: Assembler,
  set: InstructionSet,
  panel: Panel,
  { kind }: Join,
  { sum, factor, spread }: { readonly sum: Vector; readonly factor: Vector; readonly spread: Vector },
  { base, displacement, k, v }: { base: General; displacement: number; k: number; v: number },
): void {
  if (kind === "each") {
    a.op("vfmadd231ps", sum, factor, at(base, displacement + v * panel.bytes));
    return;
  }
  if (kind === "fours") {
    a.permuteQuarters(spread, at(base, displacement + v * panel.bytes), k * 0b01010101);
    a.op("vfmadd231ps", sum, factor, spread);
    return;
  }
  const element = at(base, displacement + k * 4);
  if (spreads(set, panel)) {
    a.op("vfmadd231ps", sum, factor, element, { broadcast: true });
    return;
  }
  if (v === 0) a.unary("vbroadcastss", spread, element);
  a.op("vfmadd231ps", sum, factor, spread);
}
