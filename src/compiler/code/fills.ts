// Small kernels around the large ones: filters brought into panels, slots of sums cleared and added.
import type { General } from "./asm-x64.js";
import { Assembler, at, r10, rdi, rsi } from "./asm-x64.js";
import type { InstructionSet, PanelShape } from "./instruction-set.js";
import { REGISTERS, registersOf } from "./instruction-set.js";
import type { Step } from "./loops.js";
import { kernel, repeat } from "./loops.js";

/** Kernel (from, to): rows of a filter [row][columns], from a panel's first column on → one panel [row][in panel]. */
export function rowsToPanel(rows: number, columns: number, panel: PanelShape, a = new Assembler()): Uint8Array {
  const register = registersOf(panel);
  const steps: readonly Step[] = [
    [rdi, columns * 4],
    [rsi, panel.columns * 4],
  ];
  return kernel(a, () => {
    repeat(a, { count: rows, unroll: 4, counter: r10, steps }, (row) => {
      for (let v = 0; v < panel.vectors; v++) {
        a.load("vmovups", register(v), at(rdi, row * columns * 4 + v * panel.bytes));
        a.store("vmovups", at(rsi, row * panel.columns * 4 + v * panel.bytes), register(v));
      }
    });
  });
}

/** Kernel (to): zeros, a multiple of 32 bytes. */
export function clear(set: InstructionSet, bytes: number, a = new Assembler()): Uint8Array {
  return kernel(a, () => {
    const zero = REGISTERS[set].whole(0);
    a.op("vxorps", zero, zero, zero);
    overVectors(a, set, bytes, [rdi], (at0, size) => a.store("vmovups", at0[0]!, { n: 0, bytes: size }));
  });
}

/** Kernel (slots, result): so many bytes of slots, added in their order. */
export function addSlots(
  set: InstructionSet,
  { slots, slotBytes, bytes }: { readonly slots: number; readonly slotBytes: number; readonly bytes: number },
  a = new Assembler(),
): Uint8Array {
  return kernel(a, () => {
    overVectors(a, set, bytes, [rdi, rsi], ([from, to], size) => {
      const sum = { n: 0, bytes: size };
      a.load("vmovups", sum, from!);
      for (let slot = 1; slot < slots; slot++) a.op("vaddps", sum, sum, at(rdi, slot * slotBytes));
      a.store("vmovups", to!, sum);
    });
  });
}

/** Whole vectors in a loop, then half a one where 32 bytes are left. */
function overVectors(
  a: Assembler,
  set: InstructionSet,
  bytes: number,
  pointers: readonly General[],
  body: (places: readonly ReturnType<typeof at>[], size: 32 | 64) => void,
): void {
  const size = (REGISTERS[set].lanes * 4) as 32 | 64;
  const places = pointers.map((pointer) => at(pointer));
  const steps = pointers.map((pointer): Step => [pointer, size]);
  repeat(a, { count: Math.floor(bytes / size), counter: r10, steps }, () => body(places, size));
  if (bytes % size !== 0) body(places, 32);
}
