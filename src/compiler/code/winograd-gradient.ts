// The gradient of a 3×3 filter of stride 1 and padding 1 by Winograd's algorithm: what some images add to it in the transformed
// domain, and the way back once all have.
import type { Assembler } from "./asm-x64.js";
import { Assembler as Code, at, r12, r13, r14, rbp, rcx, rdi, rdx, rsi } from "./asm-x64.js";
import type { InstructionSet } from "./instruction-set.js";
import { kernel, repeat } from "./loops.js";
import { emitProduct } from "./product.js";
import { emitInput, emitTiles } from "./winograd.js";
import type { Geometry, WinogradSizes } from "./winograd-tiles.js";
import { FREQUENCIES, geometryOf, gradientLine, TILE } from "./winograd-tiles.js";

/**
 * Kernel (input, sums, gradient of the output, scratch): sums [36][depth][columns], `filterFrequency` apart, which begin at zero with
 * `clears`.
 */
export function winogradGradient(
  set: InstructionSet,
  sizes: WinogradSizes,
  clears: boolean,
  a = new Code(),
): Uint8Array {
  const geometry = geometryOf(set, sizes);
  const { tiles, depth, columns, inTiles, outTiles, inFrequency, outFrequency, filterFrequency } = geometry;
  return kernel(a, () => {
    a.mov(r12, rdx);
    a.mov(r14, rcx);
    a.mov(rbp, rsi);
    emitInput(a, set, geometry);
    emitGradient(a, set, geometry);
    a.lea(rdi, at(r14, inTiles));
    a.lea(rsi, at(r14, outTiles));
    a.mov(rdx, rbp);
    // The transformed input stands on its side: what is added up are the tiles
    const product = {
      rows: depth,
      columns,
      depth: tiles,
      adds: !clears,
      aRow: 4,
      aDepth: depth * 4,
      bRow: columns * 4,
    };
    const steps = [
      [rdi, inFrequency],
      [rsi, outFrequency - columns * 4],
      [rdx, filterFrequency - columns * 4],
    ] as const;
    repeat(a, { count: FREQUENCIES, counter: r13, steps }, () =>
      emitProduct(a, set, product, { a: rdi, b: rsi, c: rdx }),
    );
  });
}

/** r12: maps of gradients → transformed tiles [36][tile][column] where the way back has its sums. */
function emitGradient(a: Assembler, set: InstructionSet, geometry: Geometry): void {
  const { columns: lanes, outTiles: to, outFrequency: frequency, stored } = geometry;
  const source = { from: r12, dtype: stored?.[1], lanes };
  emitTiles(a, set, geometry, { ...source, before: 0, side: TILE, to, frequency, line: gradientLine });
}
