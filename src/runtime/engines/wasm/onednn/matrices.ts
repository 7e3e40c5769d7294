// The factors of a product of matrices (abi.ts, multiply).
/** A matrix in memory; its rows, or columns, lie `stride` elements apart. */
export interface MatrixLayout {
  readonly stride: number;
  /** Whether it lies column by column. */
  readonly transposed: boolean;
}

/** The result is [rows, columns]; what is summed over is `depth` long. */
export interface ProductSizes {
  readonly rows: number;
  readonly columns: number;
  readonly depth: number;
}
