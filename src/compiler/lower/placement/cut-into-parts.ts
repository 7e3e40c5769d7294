// KernelCalls of an evaluation → the same in parts. In an evaluation nothing is taken over the batch but its loss, so the whole
// network can be run over some images after others, few enough for their maps to stay in the cores' caches between
// layers. What depends on weights alone (folded norms, filters brought into a kernel's layout) comes first, once.
import type { StepMode } from "../step/differentiate.js";
import type { BufferId, KernelCall, KernelCalls } from "../kernels/kernel-calls.js";
import { rowOf } from "../kernels/kernels.js";
import { elementBytes, lanesOf } from "./layout.js";
import type { KernelGraph } from "../step/training-graph.js";

/** Bytes of the largest map, going into a layer and coming out of it, that stay in the caches. */
const CACHED_BYTES = 4 * 1024 * 1024;
/** So many images keep a thread busy between two barriers. */
const IMAGES_A_THREAD = 4;
/** Each part reads every filter once more, in Winograd's domain four times its size: so much more must its maps have. */
const WORTH_THE_FILTERS = 4;
const TRANSFORMED = 4;

/** How many images of a step's batch go through the network together: all of them, but in an evaluation. */
export function imagesTogether(graph: KernelGraph, mode: StepMode, batch: number, threads: number): number {
  return mode === "evaluate" ? imagesAtOnce(graph, batch, threads) : batch;
}

/** The same of an evaluation. */
export function imagesAtOnce({ tensors }: KernelGraph, batch: number, threads: number): number {
  let [largest, all, filters] = [0, 0, 0];
  for (const tensor of tensors) {
    if (tensor.kind === "parameter") filters += tensor.dims.reduce((product, size) => product * size, 1);
    if (tensor.kind !== "activation") continue;
    const { shape } = tensor;
    const elements = lanesOf(shape.channels) * (shape.kind === "map" ? shape.height * shape.width : 1);
    largest = Math.max(largest, elements);
    all += elements;
  }
  const fitting = Math.floor(CACHED_BYTES / (2 * largest * elementBytes.float32));
  const worthwhile = Math.ceil((WORTH_THE_FILTERS * TRANSFORMED * filters) / all);
  const most = Math.max(fitting, IMAGES_A_THREAD * threads);
  return batch <= most || most < worthwhile ? batch : fewestTwice(batch, most);
}

/** The size of parts, `most` or up to a half less, of which the fewest images fall into two. */
function fewestTwice(batch: number, most: number): number {
  const twice = (size: number): number => Math.ceil(batch / size) * size - batch;
  let best = most;
  for (let size = most - 1; size > most / 2; size--) if (twice(size) < twice(best)) best = size;
  return best;
}

/**
 * Has the calls that read images repeated for every `size` of `batch` images. The last part ends with the batch: images that
 * it has in common with the part before are worked on twice, to the same bits.
 */
export function cutIntoParts({ buffers, calls }: KernelCalls, size: number, batch: number): KernelCalls {
  if (size === batch) return { buffers, calls };
  const constant = new Set<BufferId>();
  buffers.forEach(({ kind, name }, buffer) => {
    if (kind === "table" || (kind === "persistent" && !name.startsWith("staged"))) constant.add(buffer);
  });
  const ofWeights: KernelCall[] = [];
  const ofImages: KernelCall[] = [];
  for (const call of calls) {
    const { reads, writes } = buffersOf(call);
    if (reads.every((buffer) => constant.has(buffer))) {
      ofWeights.push(call);
      for (const buffer of writes) constant.add(buffer);
    } else ofImages.push(call);
  }
  const starts = Array.from({ length: Math.ceil(batch / size) }, (_, part) => Math.min(part * size, batch - size));
  const end = ofImages.findIndex(({ kernel }) => kernel === "softmax_cross_entropy");
  const repeated = { first: ofWeights.length, end: ofWeights.length + end, starts };
  return { buffers, calls: [...ofWeights, ...ofImages], repeated };
}

function buffersOf({ kernel, operands }: KernelCall): { reads: BufferId[]; writes: BufferId[] } {
  const [reads, writes]: [BufferId[], BufferId[]] = [[], []];
  for (const [name, access] of Object.entries(rowOf(kernel).operands)) {
    const operand = operands[name];
    if (typeof operand !== "object" || operand === null) continue;
    if (access === "read" || access === "update") reads.push(operand.buffer);
    if (access === "write" || access === "update") writes.push(operand.buffer);
  }
  return { reads, writes };
}
