// The gradient of a 3×3 filter of stride 1 and padding 1 by Winograd's algorithm: what some images add to it in the transformed
// domain, and the way back once all have.
import type { Assembler } from "./asm-x64.js";
import {
  Assembler as Code,
  at,
  r10,
  r11,
  r12,
  r13,
  r14,
  r8,
  r9,
  rax,
  rbp,
  rbx,
  rcx,
  rdi,
  rdx,
  rsi,
} from "./asm-x64.js";
import type { InstructionSet } from "./instruction-set.js";
import { REGISTERS } from "./instruction-set.js";
import { kernel, move, perVector, repeat } from "./loops.js";
import { emitProduct } from "./product.js";
import { emitInput } from "./winograd.js";
import type { Geometry, WinogradSizes } from "./winograd-tiles.js";
import {
  FREQUENCIES,
  geometryOf,
  gradientLine,
  POINTS,
  TILE,
  tileRows,
  TRANSFORM_CONSTANTS,
} from "./winograd-tiles.js";

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
  const { images, height, width, columns, across, down, strip, outFrequency, outTiles } = geometry;
  const { whole, lanes, count } = REGISTERS[set];
  const [slot, pixel] = [lanes * 4, columns * 4];
  const row = pixel * width;
  const first = count === 32 ? 16 : 10;
  TRANSFORM_CONSTANTS.slice(0, 4).forEach((value, n) => a.spread(whole(first + n), value));
  const zero = whole(first + 4);
  a.op("vxorps", zero, zero, zero);
  for (let line = 0; line < POINTS; line++) {
    for (let column = width; column < TILE * across; column++)
      a.store("vmovups", at(r14, line * strip + column * slot), zero);
  }
  a.mov(r8, r12);
  a.lea(r9, at(r14, outTiles));
  repeat(a, { count: images, counter: r13 }, () => {
    for (const { count: rows, inside } of tileRows(geometry, 0, TILE)) {
      repeat(
        a,
        {
          count: rows,
          counter: r11,
          steps: [
            [r8, TILE * row],
            [r9, across * pixel],
          ],
        },
        () => {
          perVector(a, set, columns, [r8, r9], (v) => {
            const constants = [0, 1, 2, 3].map((n) => v(first + n));
            a.mov(rax, r8);
            a.mov(rbx, r14);
            repeat(
              a,
              {
                count: width,
                unroll: Math.min(width, 4),
                counter: r10,
                steps: [
                  [rax, pixel],
                  [rbx, slot],
                ],
              },
              (x) => {
                inside.forEach((isInside, line) => {
                  if (isInside) a.load("vmovups", v(line), at(rax, line * row + x * pixel));
                  else a.op("vxorps", v(line), v(line), v(line));
                });
                gradientLine(a, v, constants, (point, from) =>
                  a.store("vmovups", at(rbx, point * strip + x * slot), from),
                );
              },
            );
            for (let line = 0; line < POINTS; line++) {
              a.lea(rax, at(r14, line * strip));
              a.lea(rbx, at(r9, line * POINTS * outFrequency));
              repeat(
                a,
                {
                  count: across,
                  unroll: Math.min(across, 4),
                  counter: r10,
                  steps: [
                    [rax, TILE * slot],
                    [rbx, pixel],
                  ],
                },
                (tile) => {
                  for (let x = 0; x < TILE; x++) a.load("vmovups", v(x), at(rax, (TILE * tile + x) * slot));
                  gradientLine(a, v, constants, (point, from) =>
                    a.store("vmovups", at(rbx, point * outFrequency + tile * pixel), from),
                  );
                },
              );
            }
          });
        },
      );
    }
    move(a, r8, (height - TILE * down) * row);
  });
}
