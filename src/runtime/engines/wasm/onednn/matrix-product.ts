// A product of two matrices by oneDNN on one thread, made once and run at any addresses. Sums and result are float32.
import type { Abi, DataType, Handle, MatrixLayout, ProductSizes } from "./abi.js";
import { ARGUMENTS } from "./abi.js";
import { Executable } from "./executable.js";

/** Of dnnl_query_t. */
const QUERY_SCRATCHPAD = 136;

export interface MatrixProductForm extends ProductSizes {
  /** Of both factors. */
  readonly type: DataType;
  readonly left: MatrixLayout;
  readonly right: MatrixLayout;
  readonly resultStride: number;
  /** Whether the product is added to what is there. */
  readonly adds: boolean;
}

export class MatrixProduct {
  /** Of memory that `run` needs while it computes. */
  readonly scratchBytes: number;
  private readonly executable: Executable | undefined;

  /** @throws OneDnnError where the library has no such product. */
  constructor(
    private readonly abi: Abi,
    private readonly form: MatrixProductForm,
  ) {
    const { type, rows, columns, depth, left, right, resultStride, adds } = form;
    if (type === "float32") {
      this.scratchBytes = 0; // the library's BLAS function finds what it needs itself
      return;
    }
    const matrix = (sizes: readonly [number, number], type: DataType, { stride, transposed }: MatrixLayout): Handle =>
      abi.strided(sizes, type, transposed ? [1, stride] : [stride, 1]);
    const factors = [matrix([rows, depth], type, left), matrix([depth, columns], type, right)] as const;
    const result = matrix([rows, columns], "float32", { stride: resultStride, transposed: false });
    const description = abi.matrixProduct(...factors, result, abi.attributes(adds));
    const scratchpad = abi.descriptorOf(description, QUERY_SCRATCHPAD);
    this.scratchBytes = abi.descriptorBytes(scratchpad);
    this.executable = new Executable(abi, description, [
      [ARGUMENTS.input, factors[0]],
      [ARGUMENTS.weights, factors[1]],
      [ARGUMENTS.output, result],
      [ARGUMENTS.scratchpad, scratchpad],
    ]);
  }

  run(left: number, right: number, result: number, scratch: number): void {
    if (this.executable) return this.executable.run([left, right, result, scratch]);
    const { form, abi } = this;
    abi.multiply(form, [left, form.left], [right, form.right], [result, form.resultStride], form.adds);
  }
}
