// The instruction sets that code is made for, and how the columns of a matrix are cut for their registers.
import type { Vector } from "./asm-x64.js";
import { ymm, zmm } from "./asm-x64.js";

/** AVX-512 with F, BW, DQ and VL; or AVX2 with FMA. */
export type InstructionSet = "avx512" | "avx2";

interface Registers {
  /** A whole vector register. */
  readonly whole: (n: number) => Vector;
  /** Floats in it. */
  readonly lanes: number;
  readonly count: number;
}

export const REGISTERS: Readonly<Record<InstructionSet, Registers>> = {
  avx512: { whole: zmm, lanes: 16, count: 32 },
  avx2: { whole: ymm, lanes: 8, count: 16 },
};

/** Columns that are computed together, of which a row is so many registers. */
export interface Panel {
  /** The first of its columns. */
  readonly column: number;
  readonly columns: number;
  readonly vectors: number;
  /** Of one of its vectors. */
  readonly bytes: Vector["bytes"];
  /** Rows of sums that the registers hold beside what they are multiplied by. */
  readonly rows: number;
}

/** How a panel lies, wherever it does. */
export type PanelShape = Pick<Panel, "columns" | "vectors" | "bytes">;

/** A row of panels that are alike, which one loop goes over. */
export interface Panels extends Panel {
  readonly count: number;
}

/**
 * Panels of two registers a row, then of one, then of half a one: columns are a multiple of eight. With two, one element of the
 * other factor serves two multiply-adds. What a sum is added up of, and in which order, does not depend on the panels.
 */
export function panelsOf(set: InstructionSet, columns: number): Panels[] {
  const { whole, count: registers } = REGISTERS[set];
  if (columns % 8 !== 0) throw new Error(`${columns} columns do not fill vectors of eight`);
  const kinds = [
    { vectors: 2, bytes: whole(0).bytes },
    { vectors: 1, bytes: whole(0).bytes },
    { vectors: 1, bytes: ymm(0).bytes },
  ];
  const panels: Panels[] = [];
  let column = 0;
  for (const { vectors, bytes } of kinds) {
    const width = (vectors * bytes) / 4;
    const count = Math.floor((columns - column) / width);
    // Beside the sums: a row of the panel, and an element in every lane where the multiply-add cannot spread it
    const rows = Math.floor((registers - vectors - 1) / vectors);
    if (count > 0) panels.push({ column, columns: width, vectors, bytes, rows, count });
    column += count * width;
  }
  return panels;
}

/** The vector registers of a panel. */
export function registersOf({ bytes }: Pick<Panel, "bytes">): (n: number) => Vector {
  return (n) => ({ n, bytes });
}

/** Whether a multiply-add may read an element of memory in every lane: AVX-512's alone. */
export function spreads(set: InstructionSet, { vectors }: Panel): boolean {
  return set === "avx512" && vectors === 1;
}

/**
 * Where an element of a matrix [depth][columns] lies, in floats, when its panels lie one after the other, each [depth][in panel]: as
 * products read it.
 */
export function placeInPanels(
  set: InstructionSet,
  depth: number,
  columns: number,
  row: number,
  column: number,
): number {
  const panels = panelsOf(set, columns).findLast((one) => one.column <= column)!;
  const first = column - ((column - panels.column) % panels.columns);
  return first * depth + row * panels.columns + (column - first);
}
