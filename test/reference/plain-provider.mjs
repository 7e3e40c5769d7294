// A provider of kernels in plain JavaScript, as a thread of the wasm engine loads it: convolutions, products of matrices, norms
// and SGD by loops over the shared heap. `setup.groups` is where the control block has the rates.
export function open(memory, _thread, { groups }) {
  const float = (address) => new Float32Array(memory.buffer, address);
  return {
    run: ({ kernel, operands }, phase, unit) => kernels[kernel][phase]?.(operands, float, unit, groups),
    multiply(transposed, rows, columns, depth, left, leftRow, right, rightRow, adds, result, resultRow) {
      const [a, b, to] = [float(left), float(right), float(result)];
      for (let row = 0; row < rows; row++) {
        for (let column = 0; column < columns; column++) {
          let sum = adds ? to[row * resultRow + column] : 0;
          for (let k = 0; k < depth; k++) {
            const factor = a[transposed & 1 ? k * leftRow + row : row * leftRow + k];
            sum += factor * b[transposed & 2 ? column * rightRow + k : k * rightRow + column];
          }
          to[row * resultRow + column] = sum;
        }
      }
    },
  };
}

const nothing = () => {};
const kernels = {
  library_convolution: [nothing, (operands, float, unit) => convolve(operands, float, unit)],
  library_input_gradient: [nothing, inputGradient],
  library_weight_gradient: [weightGradient, nothing],
  batch_norm: [statistics, (operands, float, unit) => normalize(operands, float, unit)],
  batch_norm_again: [(operands, float, unit) => normalize(operands, float, unit)],
  update_sgd: [sgd],
};

/** Calls `visit` for each place of an image that each tap of each of its outputs sees: places of output, input and filter in pixels. */
function eachTap(sizes, image, visit) {
  const { height, width, outHeight, outWidth, kernelHeight, kernelWidth } = sizes;
  for (let y = 0; y < outHeight; y++) {
    for (let x = 0; x < outWidth; x++) {
      for (let r = 0; r < kernelHeight; r++) {
        for (let s = 0; s < kernelWidth; s++) {
          const [v, u] = [y * sizes.strideHeight + r - sizes.paddingTop, x * sizes.strideWidth + s - sizes.paddingLeft];
          if (v < 0 || v >= height || u < 0 || u >= width) continue;
          visit((image * outHeight + y) * outWidth + x, (image * height + v) * width + u, r * kernelWidth + s);
        }
      }
    }
  }
}

function imagesOf({ images, imagesAtOnce }, unit) {
  const first = unit * imagesAtOnce;
  return Array.from({ length: Math.min(images, first + imagesAtOnce) - first }, (_, index) => first + index);
}

function convolve(call, float, unit) {
  const { inLanes, outLanes, outHeight, outWidth } = call;
  const [input, weights, output] = [float(call.input), float(call.weights), float(call.output)];
  for (const image of imagesOf(call, unit)) {
    for (let at = image * outHeight * outWidth * outLanes, end = at + outHeight * outWidth * outLanes; at < end; at++) {
      output[at] = call.bias ? float(call.bias)[at % outLanes] : 0;
    }
    eachTap(call, image, (to, from, tap) => {
      for (let i = 0; i < inLanes; i++) {
        const value = input[from * inLanes + i];
        const row = (tap * inLanes + i) * outLanes;
        for (let o = 0; o < outLanes; o++) output[to * outLanes + o] += value * weights[row + o];
      }
    });
  }
}

function inputGradient(call, float, unit) {
  const { inLanes, outLanes, height, width, accumulate } = call;
  const [gradient, weights, result] = [float(call.outputGradient), float(call.weights), float(call.inputGradient)];
  const image = height * width * inLanes;
  for (const index of imagesOf(call, unit)) {
    if (!accumulate) result.fill(0, index * image, (index + 1) * image);
    eachTap(call, index, (from, to, tap) => {
      for (let i = 0; i < inLanes; i++) {
        const row = (tap * inLanes + i) * outLanes;
        let sum = 0;
        for (let o = 0; o < outLanes; o++) sum += gradient[from * outLanes + o] * weights[row + o];
        result[to * inLanes + i] += sum;
      }
    });
  }
}

/** One unit does it all: it is the only one. */
function weightGradient(call, float) {
  const { inLanes, outLanes, kernelHeight, kernelWidth, images } = call;
  const [input, gradient, result] = [float(call.input), float(call.outputGradient), float(call.weightGradient)];
  const sums = new Float64Array(kernelHeight * kernelWidth * inLanes * outLanes);
  for (let image = 0; image < images; image++) {
    eachTap(call, image, (to, from, tap) => {
      for (let i = 0; i < inLanes; i++) {
        const row = (tap * inLanes + i) * outLanes;
        const value = input[from * inLanes + i];
        for (let o = 0; o < outLanes; o++) sums[row + o] += value * gradient[to * outLanes + o];
      }
    });
  }
  result.set(sums);
}

/** A unit is a channel. */
function statistics(call, float, channel) {
  const { pixels, lanes, epsilon, momentum } = call;
  const input = float(call.input);
  let [sum, squares] = [0, 0];
  for (let pixel = 0; pixel < pixels; pixel++) sum += input[pixel * lanes + channel];
  const mean = sum / pixels;
  for (let pixel = 0; pixel < pixels; pixel++) squares += (input[pixel * lanes + channel] - mean) ** 2;
  const variance = squares / pixels;
  const reciprocal = 1 / Math.sqrt(variance + epsilon);
  const factor = (call.scale ? float(call.scale)[channel] : 1) * reciprocal;
  const results = {
    mean,
    reciprocalDeviation: reciprocal,
    factor,
    term: float(call.shift)[channel] - mean * factor,
    runningMean: (1 - momentum) * float(call.runningMean)[channel] + momentum * mean,
    runningVariance:
      (1 - momentum) * float(call.runningVariance)[channel] + (momentum * squares) / Math.max(1, pixels - 1),
  };
  for (const [name, value] of Object.entries(results)) float(call[name])[channel] = value;
}

/** A unit is a channel. */
function normalize(call, float, channel) {
  const { pixels, lanes, inner, outerRelu } = call;
  const [input, output, factor, term] = [call.input, call.output, call.factor, call.term].map(float);
  for (let at = channel; at < pixels * lanes; at += lanes) {
    let value = input[at] * factor[channel] + term[channel];
    if (inner) value = Math.max(0, value);
    if (call.residual) value += float(call.residual)[at];
    output[at] = outerRelu ? Math.max(0, value) : value;
  }
}

function sgd(call, float, _unit, groups) {
  const { count, momentum, nesterov, decay, decoupled } = call;
  const rate = float(groups + 16 * call.group)[0];
  const [values, gradients] = [float(call.parameters), float(call.gradients)];
  for (let at = 0; at < count; at++) {
    let direction = gradients[at] + (decoupled ? 0 : decay * values[at]);
    if (call.momenta) {
      const momenta = float(call.momenta);
      momenta[at] = momentum * momenta[at] + direction;
      direction = nesterov ? direction + momentum * momenta[at] : momenta[at];
    }
    values[at] -= rate * (direction + (decoupled ? decay * values[at] : 0));
  }
}
