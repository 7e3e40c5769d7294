// KernelCalls → the same with fewer passes over maps, where a provider's convolutions do for norms beside them what they can: sum up
// what they write, for the norm behind or for the gradient of the norm before, and normalise what they read, so that a norm's output
// that only convolutions read is never written. All else stays as it was, each norm a call of its own.
import type { Buffer, BufferId, KernelCall, KernelCalls, Operand } from "./kernel-calls.js";
import type { KernelProvider } from "./kernel-provider.js";
import type { KernelName } from "./kernels.js";
import { touched } from "../placement/allocate.js";

export function fuseNorms(source: KernelCalls, providers: readonly KernelProvider[], threads: number): KernelCalls {
  if (!providers.some(({ fuses }) => fuses)) return source;
  const fusion = new Fusion(source, providers, threads);
  source.calls.forEach((_, index) => fusion.takeSums(index));
  source.calls.forEach((_, index) => fusion.normaliseWhereRead(index));
  return { ...source, buffers: fusion.buffers, calls: fusion.calls.filter((call) => call !== null) };
}

/** What a call of a convolution computes that may leave the sums of a norm's call, and where. */
const SUMS = {
  batch_norm: { map: "input", by: "library_convolution", as: "output" },
  batch_norm_gradient: { map: "outputGradient", by: "library_input_gradient", as: "inputGradient" },
} as const satisfies Partial<Record<KernelName, { map: string; by: KernelName; as: string }>>;

class Fusion {
  readonly buffers: Buffer[];
  readonly calls: (KernelCall | null)[];
  /** By buffer, the places of the calls that have to do with it. */
  private readonly uses = new Map<BufferId, { readonly index: number; readonly writes: boolean }[]>();

  constructor(
    source: KernelCalls,
    private readonly providers: readonly KernelProvider[],
    private readonly threads: number,
  ) {
    this.buffers = [...source.buffers];
    this.calls = [...source.calls];
    source.calls.forEach((call, index) => {
      for (const { buffer, access } of touched(call)) {
        const writes = access === "write" || access === "update";
        this.uses.set(buffer, [...(this.uses.get(buffer) ?? []), { index, writes }]);
      }
    });
  }

  /** A norm's sums, or its gradient's, taken by the convolution that wrote the map. */
  takeSums(index: number): void {
    const norm = this.calls[index]!;
    const rule = (SUMS as Partial<Record<KernelName, (typeof SUMS)[keyof typeof SUMS]>>)[norm.kernel];
    if (!rule || !norm.provided) return;
    const map = bufferOf(norm.operands[rule.map]);
    const producer = map === undefined ? -1 : this.writerBefore(index, map);
    const convolution = this.calls[producer];
    if (convolution?.kernel !== rule.by || !this.fusesWith(convolution, norm)) return;
    const { input, output, mean, factor, term, inner, lanes, runningMean } = norm.operands;
    const isGradient = norm.kernel === "batch_norm_gradient";
    const read = [input, output, mean, factor, term].flatMap((operand) => bufferOf(operand) ?? []);
    const areThere = read.every((buffer) => this.writerBefore(index, buffer) < producer);
    if (bufferOf(convolution.operands[rule.as]) !== map || (isGradient && !areThere)) return;
    const units = convolution.provided!.units.at(-1)!;
    const sums = this.scratch(`${norm.node} sums`, units * 2 * (lanes as number) * 8);
    const asked: Readonly<Record<string, Operand>> = isGradient
      ? { normInput: input!, normOutput: output!, mean: mean!, factor: factor!, term: term!, inner: inner! }
      : { pivots: runningMean! };
    this.change(producer, { ...asked, sums });
    this.change(index, { partials: sums, partialCount: units, summed: 1 });
  }

  /** A norm's output where nothing but convolutions reads it, which then read its input. */
  normaliseWhereRead(index: number): void {
    const norm = this.calls[index]!;
    const isAgain = norm.kernel === "batch_norm_again";
    if ((norm.kernel !== "batch_norm" && !isAgain) || !norm.provided || norm.operands["residual"] !== null) return;
    const { input, output, factor, term, inner, outerRelu } = norm.operands;
    const [before, map] = [bufferOf(input), bufferOf(output)];
    if (before === undefined || map === undefined) return;
    const readers = this.uses.get(map)!.filter((use) => use.index !== index);
    const all = readers.every(({ index: reader, writes }) => {
      const call = this.calls[reader]!;
      const reads = call.kernel === "library_convolution" || call.kernel === "library_weight_gradient";
      const isInput = !writes && reads && bufferOf(call.operands["input"]) === map;
      return isInput && this.fusesWith(call, norm) && this.writerBefore(reader, before) < index;
    });
    if (!all || readers.length === 0) return;
    for (const { index: reader } of readers) {
      const call = this.calls[reader]!;
      const { height, width, inLanes } = call.operands as Record<string, number>;
      const images = this.providers[call.provided!.provider]!.fuses!(call)!;
      const normalisedStride = Math.ceil((images * height! * width! * inLanes! * 4) / 64) * 64;
      const normalised = this.scratch(`${call.node} normalised input`, normalisedStride * this.threads);
      this.change(reader, {
        ...{
          input: input!,
          factor: factor!,
          term: term!,
          inner: inner!,
          outerRelu: outerRelu!,
          normalised,
          normalisedStride,
        },
      });
    }
    if (isAgain) this.calls[index] = null;
    else this.change(index, { output: null });
  }

  /** The place of the last call before `index` that wrote the buffer; -1 where there is none. */
  private writerBefore(index: number, buffer: BufferId): number {
    return this.uses.get(buffer)?.findLast((use) => use.writes && use.index < index)?.index ?? -1;
  }

  private fusesWith(convolution: KernelCall, norm: KernelCall): boolean {
    const { provided } = convolution;
    if (provided?.provider !== norm.provided!.provider) return false;
    return this.providers[provided.provider]?.fuses?.(convolution) !== undefined;
  }

  private scratch(name: string, bytes: number): { buffer: BufferId } {
    return { buffer: this.buffers.push({ kind: "transient", name, bytes, dtype: "float32" }) - 1 };
  }

  /** A call with other operands; whose rounds follow from them is asked anew. */
  private change(index: number, operands: Readonly<Record<string, Operand>>): void {
    const call = this.calls[index]!;
    const changed = { ...call, operands: { ...call.operands, ...operands } };
    const { provider } = call.provided!;
    const units = this.providers[provider]!.take?.(changed);
    this.calls[index] = units ? { ...changed, provided: { provider, units } } : changed;
  }
}

/** Of an operand that is a whole buffer. */
function bufferOf(operand: Operand | undefined): BufferId | undefined {
  if (typeof operand !== "object" || operand === null || operand.offset || operand.imageBytes) return undefined;
  return operand.buffer;
}
