// What is known of a kernel: a row of the table of kernels (kernels.ts).

/** What a kernel does to an operand: read, write (whole buffer), update (read and write), scratch (contents mean nothing before and after), or a plain number. */
export type Access = "read" | "write" | "update" | "scratch" | "integer" | "float";

export type Operands = Readonly<Record<string, Access>>;
/** A call's operands as numbers, by their names. */
export type Sizes<Names extends PropertyKey = string> = Readonly<Record<Names, number>>;

export interface Kernel<O extends Operands = Operands> {
  /**
   * Which function of src/runtime/engines/wasm/assembly carries it out: its module, and the call as it stands in the dispatch,
   * where `call` is the address of the operands. Absent where providers alone do.
   */
  readonly run?: readonly [module: string, call: string];
  /** In the order of the call. */
  readonly operands: O;
  /**
   * The bytes of each large operand that a call must move, once. What an algorithm reads a second time, scratch memory and
   * per-channel vectors are left out, so that the figure is of the operation and not of its implementation.
   */
  moves(operands: Sizes<NoInfer<keyof O>>): { readonly [P in NoInfer<keyof O>]?: number };
  /** Multiply-adds that the operation stands for, over all lanes and whatever the algorithm; none where it is absent. */
  multiplyAdds?(operands: Sizes<NoInfer<keyof O>>): number;
}

/** A row, whose rules know its operands by name. */
export function kernel<const O extends Operands>(row: Kernel<O>): Kernel<O> {
  return row;
}

/** How the elements of a map are stored: the type by which AssemblyScript knows them, and its bytes. */
export const FLOAT32 = { type: "f32", bytes: 4 } as const;
export const BFLOAT16 = { type: "u16", bytes: 2 } as const;
export type Element = typeof FLOAT32 | typeof BFLOAT16;

export const FLOAT = FLOAT32.bytes;
