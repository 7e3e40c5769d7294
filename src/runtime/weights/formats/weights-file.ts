// What every file of weights is read as, whatever its format: named tensors that are read one at a time.

/** Shapes and layouts as PyTorch has them: convolutions [out, in, height, width], linear layers [out, in]. */
export interface StoredTensor {
  readonly name: string;
  /** As safetensors names it: "F32". */
  readonly dtype: string;
  readonly shape: readonly number[];
  /** As float32. @throws UnreadableWeights */
  readonly read: () => Promise<Float32Array>;
}

export interface WeightsFile {
  readonly format: string;
  /** In the order of the file. */
  readonly tensors: readonly StoredTensor[];
  /** Whether that is the order in which a program registered them, rather than one that the format imposes. */
  readonly isInOrder: boolean;
  /** Keys around the weights that were taken off: ["state_dict"]. */
  readonly wrappers: readonly string[];
  /** How many tensors lie elsewhere in it: an optimizer's, for one. */
  readonly others: number;
  /** Pickled objects among the weights that stay names. */
  readonly objects: readonly string[];
  readonly metadata: Readonly<Record<string, string>>;
  readonly close: () => Promise<void>;
}

export function elementsIn(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}
