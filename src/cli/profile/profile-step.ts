// A measured step or evaluation → its profile: totals by kernel, by pass, and by layer and pass, as plain data.
import type { KernelProvider } from "../../compiler/lower/kernels/kernel-provider.js";
import { namedOperands } from "../../compiler/lower/kernels/kernels.js";
import type { StepCall } from "../../compiler/lower/placement/emit-step.js";
import type { MachinePeak } from "../../runtime/engines/wasm/peak/machine-peak.js";
import { bytesOf, usesOfInput } from "../../compiler/lower/kernels/kernel-bytes.js";

export const passes = ["forward", "input gradient", "weight gradient", "norm", "norm gradient", "update"] as const;
export type Pass = (typeof passes)[number];

/** One call of the step with the median of its times. */
export interface MeasuredCall {
  /** With who carries it out, where that is not WebAssembly: "winograd (code)". */
  readonly kernel: string;
  /** The place in the network: "stages.0.blocks.1.conv1". */
  readonly layer: string;
  readonly pass: Pass;
  readonly milliseconds: number;
  readonly multiplyAdds: number;
  /** What the operation must move; see bytesOf. */
  readonly bytes: number;
}

export interface Total {
  readonly calls: number;
  readonly milliseconds: number;
  /** Share of the step's time, from 0 to 1. */
  readonly share: number;
  /** Two operations a multiply-add of the direct algorithm; null where there are none. */
  readonly gigaflopsPerSecond: number | null;
  readonly gigabytesPerSecond: number | null;
  /** Share of the multiply-add peak where there are multiply-adds, else of the copy peak. */
  readonly shareOfPeak: number | null;
  readonly peak: "multiply-add" | "copy";
}

export interface StepProfile {
  /** Sum of the calls' medians. */
  readonly milliseconds: number;
  readonly kernels: readonly (Total & { readonly kernel: string })[];
  readonly passes: readonly (Total & { readonly pass: Pass })[];
  readonly layers: readonly (Total & { readonly layer: string; readonly pass: Pass; readonly kernels: string[] })[];
}

/** `milliseconds[step][call]`, each step timing every call. */
export function measuredCalls(
  calls: readonly StepCall[],
  milliseconds: readonly Float64Array[],
  providers: readonly KernelProvider[] = [],
): MeasuredCall[] {
  const uses = usesOfInput(calls);
  return calls.map((call, index) => ({
    kernel: shownName(call, providers),
    ...placeOf(call),
    milliseconds: median(milliseconds.map((times) => times[index]!)),
    multiplyAdds: call.multiplyAdds,
    bytes: bytesOf(call, uses[index]),
  }));
}

/** Kernels and layers in the order of their time, passes in the order of a step. */
export function profileStep(calls: readonly MeasuredCall[], peak: MachinePeak): StepProfile {
  const whole = sum(calls, "milliseconds");
  const totalsBy = <Key extends object>(keyOf: (call: MeasuredCall) => Key): (Total & Key)[] => {
    const groups = new Map<string, { key: Key; calls: MeasuredCall[] }>();
    for (const call of calls) {
      const key = keyOf(call);
      const name = Object.values(key).join("\n");
      const group = groups.get(name);
      if (group) group.calls.push(call);
      else groups.set(name, { key, calls: [call] });
    }
    return [...groups.values()].map(({ key, calls }) => ({ ...key, ...totalOf(calls, whole, peak) }));
  };
  const kernelsOf = (layer: string, pass: Pass): string[] => [
    ...new Set(calls.filter((call) => call.layer === layer && call.pass === pass).map(({ kernel }) => kernel)),
  ];
  return {
    milliseconds: whole,
    kernels: totalsBy(({ kernel }) => ({ kernel })).sort(slowestFirst),
    passes: totalsBy(({ pass }) => ({ pass })).sort((a, b) => passes.indexOf(a.pass) - passes.indexOf(b.pass)),
    layers: totalsBy(({ layer, pass }) => ({ layer, pass }))
      .map((total) => ({ ...total, kernels: kernelsOf(total.layer, total.pass) }))
      .sort(slowestFirst),
  };
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

function totalOf(calls: readonly MeasuredCall[], whole: number, peak: MachinePeak): Total {
  const milliseconds = sum(calls, "milliseconds");
  const rate = (amount: number): number | null =>
    amount > 0 && milliseconds > 0 ? (amount / milliseconds) * 1e3 : null;
  const flops = rate(2 * sum(calls, "multiplyAdds"));
  const bytes = rate(sum(calls, "bytes"));
  const isProduct = flops !== null;
  const ofCopy = bytes === null ? null : bytes / peak.bytesPerSecond;
  return {
    calls: calls.length,
    milliseconds,
    share: whole > 0 ? milliseconds / whole : 0,
    gigaflopsPerSecond: flops === null ? null : flops / 1e9,
    gigabytesPerSecond: bytes === null ? null : bytes / 1e9,
    shareOfPeak: isProduct ? flops / peak.flopsPerSecond : ofCopy,
    peak: isProduct ? "multiply-add" : "copy",
  };
}

/** Of a pass that a provider carries out as a whole, the method and the pass: those are all that differs between such kernels. */
function shownName({ kernel, operands, provided }: StepCall, providers: readonly KernelProvider[]): string {
  const named: Readonly<Record<string, number>> = namedOperands(kernel, operands);
  const provider = providers[provided?.provider ?? named["provider"] ?? -1];
  if (!provider) return kernel;
  if (!provided) return `${kernel} (products: ${provider.name})`;
  const method = provider.methods?.[named["method"] ?? -1];
  const pass = /^library_(?:convolution$)?(.*)$/.exec(kernel)?.[1];
  const parts = method === undefined || pass === undefined ? [kernel] : [method, pass.replace("_", " ")];
  return `${parts.join(" ").trim()} (${provider.name})`;
}

/** What lowering appends to a node's name, longest first; see compiler/lower/differentiate.ts. */
const SUFFIXES: readonly (readonly [suffix: string, pass: Pass])[] = [
  [" weight gradient", "weight gradient"],
  [" bias gradient", "weight gradient"],
  [" input gradient", "input gradient"],
  [" gradient", "input gradient"],
  [" again", "input gradient"], // part of the backward pass (compiler/lower/recompute.ts)
];

function placeOf({ node, kernel }: StepCall): { layer: string; pass: Pass } {
  if (kernel.startsWith("update_")) return { layer: node, pass: "update" };
  const [suffix, pass] = SUFFIXES.find(([suffix]) => node.endsWith(suffix)) ?? (["", "forward"] as const);
  const layer = node.slice(0, node.length - suffix.length);
  const isNorm = ["batch_norm", "fold_batch_norm", "pointwise"].some((start) => kernel.startsWith(start));
  if (!isNorm) return { layer, pass };
  return { layer, pass: pass === "forward" ? "norm" : "norm gradient" };
}

function slowestFirst(a: Total, b: Total): number {
  return b.milliseconds - a.milliseconds;
}

function sum(calls: readonly MeasuredCall[], key: "milliseconds" | "multiplyAdds" | "bytes"): number {
  return calls.reduce((total, call) => total + call[key], 0);
}
