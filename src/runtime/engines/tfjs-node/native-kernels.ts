// Convolution, batch norm and relu as TensorFlow's own kernels, forward and backward, for tfjs-node's backend. tfjs-core puts
// the gradients of the last two together from many small operations: a third of a step's time goes into convolutions then.
import type { Tensor, Tensor1D, Tensor4D } from "@tensorflow/tfjs-core";
import type { Attribute, Attributes } from "../../../compiler/lower/tensorflow/tensorflow-graph.js";
import { dataTypes } from "../../../compiler/lower/tensorflow/tensorflow-graph.js";
import { convolutionAttributes, isUnpadded, poolAttributes } from "../../../compiler/lower/tensorflow/windows.js";
import type { Tfjs } from "../../../compiler/targets/tfjs.js";
import type { ConvolutionWindow, TfjsKernels } from "../tfjs/kernels.js";
import type { OpAttribute } from "./binding.js";
import { attributeKinds } from "./binding.js";

/** What tfjs-node's backend offers beside tfjs-core's interface; see its nodejs_kernel_backend.ts. */
interface NodeBackend {
  executeSingleOutput(name: string, attributes: readonly OpAttribute[], inputs: readonly Tensor[]): Tensor;
  executeMultipleOutputs(
    name: string,
    attributes: readonly OpAttribute[],
    inputs: readonly Tensor[],
    outputs: number,
  ): Tensor[];
}

type Save = (tensors: Tensor[]) => void;

const FLOAT: Attributes = { T: { type: "float" } };

export const nativeKernels: TfjsKernels = {
  backend: "tensorflow",

  convolution(tf, x, weight, window, isOfImages) {
    const { core } = tf;
    const attributes = opAttributes(convolutionAttributes(window, x.shape[1], x.shape[2]));
    const sizes = (shape: readonly number[]): Tensor1D => core.tensor1d([...shape], "int32");
    const weightGradient = (input: Tensor, above: Tensor): Tensor => {
      const { pixels, ofPixels } = withoutStride(tf, input as Tensor4D, window);
      const place = convolutionAttributes(ofPixels, pixels.shape[1], pixels.shape[2]);
      return run(tf, "Conv2DBackpropFilter", opAttributes(place), [pixels, sizes(weight.shape), above]);
    };
    const forward = (input: Tensor, filter: Tensor): Tensor => run(tf, "Conv2D", attributes, [input, filter]);
    if (isOfImages) {
      const operation = core.customGrad((...operands) => {
        const [filter, save] = operands as unknown as [Tensor, Save];
        save([x]);
        return { value: forward(x, filter), gradFunc: (above, saved) => weightGradient(saved[0]!, above as Tensor) };
      });
      return operation(weight) as Tensor4D;
    }
    const operation = core.customGrad((...operands) => {
      const [input, filter, save] = operands as unknown as [Tensor, Tensor, Save];
      save([input, filter]);
      const gradFunc = (above: Tensor, saved: Tensor[]): Tensor[] => {
        const [savedInput, savedFilter] = saved as [Tensor, Tensor];
        const toInput = [sizes(x.shape), savedFilter, above];
        return [run(tf, "Conv2DBackpropInput", attributes, toInput), weightGradient(savedInput, above)];
      };
      return { value: forward(input, filter), gradFunc: gradFunc as never };
    });
    return operation(x, weight) as Tensor4D;
  },

  batchNormTraining(tf, x, scale, shift, eps, onStatistics) {
    const { core } = tf;
    const attributes = opAttributes({
      ...FLOAT,
      U: { type: "float" },
      epsilon: { float: eps },
      is_training: { bool: true },
    });
    const operation = core.customGrad((...operands) => {
      const [input, factor, offset, save] = operands as unknown as [Tensor, Tensor, Tensor, Save];
      const none = core.tensor1d([], "float32"); // statistics of this batch alone
      const inputs = [input, factor, offset, none, none];
      const [value, mean, variance, ...reserved] = runAll(tf, "FusedBatchNormV3", attributes, inputs, 6);
      onStatistics({ mean: mean as Tensor1D, variance: variance as Tensor1D });
      save([input, factor, ...reserved]);
      const gradFunc = (above: Tensor, saved: Tensor[]): Tensor[] => {
        return runAll(tf, "FusedBatchNormGradV3", attributes, [above, ...saved], 5).slice(0, 3);
      };
      return { value: value!, gradFunc: gradFunc as never };
    });
    return operation(x, scale, shift) as Tensor4D;
  },

  relu(tf, x) {
    const attributes = opAttributes(FLOAT);
    const operation = tf.core.customGrad((...operands) => {
      const [input, save] = operands as unknown as [Tensor, Save];
      const value = run(tf, "Relu", attributes, [input]);
      save([value]);
      return { value, gradFunc: (above, saved) => run(tf, "ReluGrad", attributes, [above as Tensor, saved[0]!]) };
    });
    return operation(x);
  },
};

/** As for the engine tensorflow (its step-rules.ts): TensorFlow's oneDNN may crash in the gradient of a strided 1×1 filter. */
function withoutStride(
  tf: Tfjs,
  x: Tensor4D,
  window: ConvolutionWindow,
): { readonly pixels: Tensor4D; readonly ofPixels: ConvolutionWindow } {
  const { kernel, stride, padding } = window;
  const steps = kernel[0] * kernel[1] === 1 && stride[0] * stride[1] > 1 && isUnpadded(padding);
  if (!steps) return { pixels: x, ofPixels: window };
  const pixels = run(tf, "AvgPool", opAttributes(poolAttributes(window)), [x]) as Tensor4D; // faster than a strided slice
  return { pixels, ofPixels: { kernel, stride: [1, 1], padding } };
}

function run(tf: Tfjs, op: string, attributes: readonly OpAttribute[], inputs: readonly Tensor[]): Tensor {
  return backendOf(tf).executeSingleOutput(op, attributes, inputs);
}

function runAll(
  tf: Tfjs,
  op: string,
  attributes: readonly OpAttribute[],
  inputs: readonly Tensor[],
  outputs: number,
): Tensor[] {
  return backendOf(tf).executeMultipleOutputs(op, attributes, inputs, outputs);
}

function backendOf({ core }: Tfjs): NodeBackend {
  return core.backend() as unknown as NodeBackend;
}

function opAttributes(attributes: Attributes): OpAttribute[] {
  return Object.entries(attributes).map(([name, value]) => ({ name, ...opAttribute(value) }));
}

function opAttribute(value: Attribute): Omit<OpAttribute, "name"> {
  if ("type" in value) return { type: attributeKinds.type, value: dataTypes[value.type] };
  if ("int" in value) return { type: attributeKinds.int, value: value.int };
  if ("ints" in value) return { type: attributeKinds.int, value: value.ints };
  if ("float" in value) return { type: attributeKinds.float, value: value.float };
  if ("bool" in value) return { type: attributeKinds.bool, value: value.bool };
  if ("text" in value) return { type: attributeKinds.text, value: value.text };
  throw new Error("tensors and shapes are no attributes of these operations");
}
