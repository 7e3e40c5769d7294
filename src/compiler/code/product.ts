// C[rows × columns] (+)= A[rows × depth] · B[depth × columns] of float32, every size and stride a constant of the code.
//
// B lies in panels (`panelsOf`), as filters are transformed to them, unless its strides say otherwise. A block of rows × a panel of
// sums stays in registers over the depth. Each sum is added up in the order of the depth, whatever the vectors' width.
import type { Assembler, General } from "./asm-x64.js";
import {
  Assembler as Code,
  at,
  r10,
  r11,
  r12,
  r13,
  r14,
  r15,
  r8,
  r9,
  rax,
  rbp,
  rbx,
  rcx,
  rdi,
  rdx,
  rsi,
  xmm,
} from "./asm-x64.js";
import type { InstructionSet, Panel, Panels } from "./instruction-set.js";
import { panelsOf, REGISTERS, registersOf, spreads } from "./instruction-set.js";
import { kernel, move, repeat } from "./loops.js";

export interface ProductSizes {
  readonly rows: number;
  readonly columns: number;
  readonly depth: number;
  /** Whether C is added to. */
  readonly adds?: boolean;
  /** Bytes from row to row of A and along its depth: a transposed A has them the other way round. */
  readonly aRow?: number;
  readonly aDepth?: number;
  /** Where B is no panels but rows: bytes from one to the next. */
  readonly bRow?: number;
  readonly cRow?: number;
}

export interface ProductPointers {
  readonly a: General;
  readonly b: General;
  readonly c: General;
}

/** Kernel (A, B, C). */
export function product(set: InstructionSet, sizes: ProductSizes, a = new Code()): Uint8Array {
  return kernel(a, () => emitProduct(a, set, sizes, { a: rdi, b: rsi, c: rdx }));
}

/** What of the depth is done at once: what a block reads of A and of a panel then stays in the first cache. */
const DEPTH_AT_ONCE = 144;
/** A depth that is unrolled as a whole. */
const SHORT_DEPTH = 16;
const UNROLL = 8;

/**
 * Code of a product. Leaves A where it was, and B and C behind all columns: B at the end of its panels, or of its first row. Uses
 * rax, rbx, rcx and r8 to r11.
 */
export function emitProduct(a: Assembler, set: InstructionSet, sizes: ProductSizes, pointers: ProductPointers): void {
  for (const panels of panelsOf(set, sizes.columns)) emitPanels(a, set, panels, sizes, pointers);
}

/** By panels that are alike. */
function emitPanels(
  a: Assembler,
  set: InstructionSet,
  panels: Panels,
  sizes: ProductSizes,
  pointers: ProductPointers,
): void {
  const { rows, columns, depth, adds = false, aDepth = 4, bRow } = sizes;
  const strides = { aRow: sizes.aRow ?? depth * 4, aDepth, cRow: sizes.cRow ?? columns * 4 };
  a.note(() => `${rows} rows by ${panels.count} panels of ${panels.columns} columns, over a depth of ${depth}`);
  const parts = Math.ceil(depth / DEPTH_AT_ONCE);
  const atOnce = Math.ceil(depth / parts);
  const width = panels.columns * 4;
  const bDepth = bRow ?? width;
  const steps = [
    [pointers.b, bRow === undefined ? width * depth : width],
    [pointers.c, width],
  ] as const;
  repeat(a, { count: panels.count, counter: r11, steps }, () => {
    for (let done = 0; done < depth; done += atOnce) {
      const now = Math.min(atOnce, depth - done);
      emitRows(a, set, panels, { rows, depth: now, adds: adds || done > 0, ...strides, bDepth }, pointers);
      move(a, pointers.a, now * aDepth);
      move(a, pointers.b, now * bDepth);
    }
    move(a, pointers.a, -depth * aDepth);
    move(a, pointers.b, -depth * bDepth);
  });
}

interface BlockSizes {
  readonly rows: number;
  readonly depth: number;
  readonly adds: boolean;
  readonly aRow: number;
  readonly aDepth: number;
  readonly bDepth: number;
  readonly cRow: number;
}

/** All rows by one panel over some of the depth, in blocks that are shared out evenly: 64 rows are 13 + 13 + 13 + 13 + 12. */
function emitRows(a: Assembler, set: InstructionSet, panel: Panel, sizes: BlockSizes, pointers: ProductPointers): void {
  const { rows, aRow, cRow } = sizes;
  const blocks = Math.ceil(rows / panel.rows);
  const large = Math.ceil(rows / blocks);
  const larges = rows - (large - 1) * blocks;
  a.mov(r8, pointers.a);
  a.mov(r9, pointers.c);
  for (const [count, size] of [
    [larges, large],
    [blocks - larges, large - 1],
  ] as const) {
    if (count === 0) continue;
    repeat(
      a,
      {
        count,
        counter: r10,
        steps: [
          [r8, size * aRow],
          [r9, size * cRow],
        ],
      },
      () => emitBlock(a, set, panel, { ...sizes, rows: size }, { a: r8, b: pointers.b, c: r9 }),
    );
  }
}

/** One block of sums. */
function emitBlock(
  a: Assembler,
  set: InstructionSet,
  panel: Panel,
  sizes: BlockSizes,
  pointers: ProductPointers,
): void {
  const { rows, depth, adds, aRow, aDepth, bDepth, cRow } = sizes;
  const { vectors, bytes } = panel;
  const register = registersOf(panel);
  const sum = (row: number, v: number) => register(row * vectors + v);
  const right = (v: number) => register(rows * vectors + v);
  const spread = register(rows * vectors + vectors);
  a.note(() => `sums of ${rows} rows by ${vectors} vectors, in registers 0 to ${rows * vectors - 1}, over ${depth}`);
  const everySum = (visit: (row: number, v: number, displacement: number) => void): void => {
    for (let row = 0; row < rows; row++) for (let v = 0; v < vectors; v++) visit(row, v, row * cRow + v * bytes);
  };
  everySum((row, v, displacement) => {
    if (adds) a.load("vmovups", sum(row, v), at(pointers.c, displacement));
    else a.op("vxorps", sum(row, v), sum(row, v), sum(row, v));
  });
  const once = (k: number, left: General, b: General): void => {
    for (let v = 0; v < vectors; v++) a.load("vmovups", right(v), at(b, k * bDepth + v * bytes));
    for (let row = 0; row < rows; row++) {
      const element = at(left, row * aRow + k * aDepth);
      if (spreads(set, panel)) {
        a.op("vfmadd231ps", sum(row, 0), right(0), element, { broadcast: true });
        continue;
      }
      a.unary("vbroadcastss", spread, element);
      for (let v = 0; v < vectors; v++) a.op("vfmadd231ps", sum(row, v), right(v), spread);
    }
  };
  if (depth <= SHORT_DEPTH) {
    for (let k = 0; k < depth; k++) once(k, pointers.a, pointers.b);
  } else {
    a.mov(rax, pointers.a);
    a.mov(rcx, pointers.b);
    const steps = [
      [rax, aDepth],
      [rcx, bDepth],
    ] as const;
    repeat(a, { count: depth, unroll: UNROLL, counter: rbx, steps }, (k) => once(k, rax, rcx));
  }
  everySum((row, v, displacement) => a.store("vmovups", at(pointers.c, displacement), sum(row, v)));
}

export interface StridedProduct {
  readonly rows: number;
  readonly columns: number;
  readonly depth: number;
  readonly adds: boolean;
  /** A transposed matrix lies by columns. */
  readonly leftTransposed: boolean;
  readonly rightTransposed: boolean;
  /** Floats from one row, or column, to the next. */
  readonly leftRow: number;
  readonly rightRow: number;
  readonly resultRow: number;
}

/** Scratch memory of the kernel below: a panel over the whole depth. */
export function stridedScratchBytes(set: InstructionSet, { depth }: Pick<StridedProduct, "depth">): number {
  return depth * 2 * REGISTERS[set].lanes * 4;
}

/** Kernel (A, B, C, scratch) of matrices as they lie: each panel of B is brought together first, so that it is read in lines. */
export function stridedProduct(set: InstructionSet, sizes: StridedProduct, a = new Code()): Uint8Array {
  const { rows, columns, depth, adds, leftTransposed, rightTransposed, leftRow, rightRow, resultRow } = sizes;
  const along = leftTransposed ? { aRow: 4, aDepth: leftRow * 4 } : { aRow: leftRow * 4, aDepth: 4 };
  const strides = { ...along, cRow: resultRow * 4 };
  return kernel(a, () => {
    for (const [to, from] of [
      [r12, rdi],
      [r13, rsi],
      [r14, rdx],
      [r15, rcx],
    ] as const)
      a.mov(to, from);
    for (const panel of panelsOf(set, columns)) {
      const width = panel.columns * 4;
      const steps = [
        [r13, rightTransposed ? panel.columns * rightRow * 4 : width],
        [r14, width],
      ] as const;
      repeat(a, { count: panel.count, counter: rbp, steps }, () => {
        a.mov(rax, r13);
        a.mov(rcx, r15);
        if (rightTransposed) packColumns(a, panel, depth, rightRow);
        else packRows(a, panel, depth, rightRow);
        for (const [to, from] of [
          [rdi, r12],
          [rsi, r15],
          [rdx, r14],
        ] as const)
          a.mov(to, from);
        // Of the panel alone: it has the place of a whole matrix
        emitPanels(
          a,
          set,
          { ...panel, column: 0, count: 1 },
          { rows, columns: panel.columns, depth, adds, ...strides },
          { a: rdi, b: rsi, c: rdx },
        );
      });
    }
  });
}

/** rax: rows → rcx: a panel. */
function packRows(a: Assembler, panel: Panel, depth: number, row: number): void {
  const { vectors, bytes, columns } = panel;
  const register = registersOf(panel);
  repeat(
    a,
    {
      count: depth,
      unroll: 2,
      counter: r10,
      steps: [
        [rax, row * 4],
        [rcx, columns * 4],
      ],
    },
    (k) => {
      for (let v = 0; v < vectors; v++) {
        a.load("vmovups", register(v), at(rax, k * row * 4 + v * bytes));
        a.store("vmovups", at(rcx, k * columns * 4 + v * bytes), register(v));
      }
    },
  );
}

/** rax: columns → rcx: a panel, one number at a time. */
function packColumns(a: Assembler, { columns }: Panel, depth: number, column: number): void {
  repeat(
    a,
    {
      count: depth,
      counter: r10,
      steps: [
        [rax, 4],
        [rcx, columns * 4],
      ],
    },
    () => {
      for (let c = 0; c < columns; c += 8) {
        for (let n = 0; n < 8; n++) a.load("vmovss", xmm(n), at(rax, (c + n) * column * 4));
        for (let n = 0; n < 8; n++) a.store("vmovss", at(rcx, (c + n) * 4), xmm(n));
      }
    },
  );
}
