// A convolution in groups, or with a dilated kernel, as the dense one that it equals: zeros stand where a filter joins channels
// of different groups, and between the elements of its kernel. So whatever computes any convolution computes all of them; the
// price is the products with zeros, as many times the others as there are groups.
import { spanOf } from "../../../network/graph.js";
import type { ConvolutionSizes } from "../convolution-plan.js";
import { filterBytes } from "../convolution-plan.js";
import type { ConvolutionKernel, ConvolutionOperands, ConvolutionPass } from "../convolution-task.js";

/** Whether it is dense as it is. */
export function isDense({ groups, dilation }: ConvolutionSizes): boolean {
  return groups === undefined && dilation === undefined;
}

export function denseSizes<S extends ConvolutionSizes>(sizes: S): S {
  const { groups: _, dilation: __, ...dense } = { ...sizes, kernel: spanOf({ ...sizes, groups: 1 }) };
  return dense as unknown as S;
}

/** The same kernel for sizes that are not dense; it takes memory for the dense filter. */
export function throughDense<P extends ConvolutionPass>(kernel: ConvolutionKernel<P>): ConvolutionKernel<P> {
  return {
    name: `${kernel.name} dense`,
    suits: (sizes) => kernel.suits(denseSizes(sizes)),
    cost: (sizes) => kernel.cost(denseSizes(sizes)) + filterBytes(denseSizes(sizes)) * 0.3,
    emit(writer, sizes, operands) {
      const plain = denseSizes(sizes);
      const dense = writer.scratch("dense filter", filterBytes(plain));
      const { inLanes, outLanes, kernel: of, dilation = [1, 1], groups } = sizes;
      const geometry = {
        kernelHeight: of[0],
        kernelWidth: of[1],
        dilationHeight: dilation[0],
        dilationWidth: dilation[1],
        groups: groups?.count ?? 1,
        inputs: groups?.inputs ?? inLanes,
        outputs: groups?.outputs ?? outLanes,
        inLanes,
        outLanes,
      };
      if (isGradient(operands)) {
        kernel.emit(writer, plain, { ...operands, weightGradient: dense });
        writer.call("gather_filter", { dense, weightGradient: operands.weightGradient, ...geometry });
      } else {
        writer.call("spread_filter", { weights: operands.weights, dense, ...geometry });
        kernel.emit(writer, plain, { ...operands, weights: dense });
      }
    },
  };
}

function isGradient(
  operands: ConvolutionOperands[ConvolutionPass],
): operands is ConvolutionOperands["weight gradient"] {
  return "weightGradient" in operands;
}
