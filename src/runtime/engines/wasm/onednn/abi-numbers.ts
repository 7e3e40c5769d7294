// oneDNN's binary interface in numbers: those of dnnl_types.h, and places in its structs.

/** "N" and "T", as BLAS names a matrix that lies row by row, or column by column. */
export const BY_ROWS = 78;
export const BY_COLUMNS = 84;
/** Products of matrices of each type, in float32. */
export const PRODUCTS = { bfloat16: "gemm_bf16bf16f32", float32: "sgemm" } as const;
/** dnnl_forward_training. For inference version 2.6 transforms Winograd's filters when they are packed, at a hundredth of its speed. */
export const FORWARD = 64;
export const QUERIES = {
  implementation: 8,
  strides: 14,
  innerCount: 263,
  innerSizes: 264,
  innerDimensions: 265,
} as const;

/** Of dnnl_query_t: the memory descriptors of what a primitive reads and writes. */
export const DESCRIPTOR_QUERIES = {
  input: 129,
  inputGradient: 130,
  weights: 131,
  weightGradient: 132,
  output: 133,
  outputGradient: 134,
  scratchpad: 136,
} as const;

/** Bytes of version 2's dnnl_memory_desc_t, and where its fields are. */
export const DESCRIPTOR_BYTES = 696;
export const FIELDS = {
  formatKind: 312,
  strides: 320,
  innerCount: 416,
  innerSizes: 424,
  innerDimensions: 520,
} as const;
export const BLOCKED_FORMAT = 2;
/**
 * dlopen's RTLD_NOW | RTLD_NODELETE of Linux: a thread that ends closes what koffi opened for it, and code that other
 * threads or exit handlers still run must not go away with it.
 */
export const STAYS_LOADED = 0x1002;
/** Larger than any operation descriptor of version 2. */
export const OPERATION_BYTES = 8192;

export const STATUS: Readonly<Record<number, string>> = {
  1: "out of memory",
  2: "invalid arguments",
  3: "unimplemented",
  5: "runtime error",
};

/** dnnl_dims_t, as far as it is used. */
export function int64s(values: readonly number[]): BigInt64Array {
  return BigInt64Array.from(values, BigInt);
}
