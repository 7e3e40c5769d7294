// KernelCalls → an address for every buffer: liveness from the order of the calls, then the largest buffers first,
// each at the lowest address where nothing alive at the same time lies (greedy by size, arXiv 2001.03288 §5).
import type { BufferId, KernelCall, KernelCalls } from "../kernels/kernel-calls.js";
import { rowOf } from "../kernels/kernels.js";
import { invariant } from "../../diagnostics/diagnostic.js";

export interface Allocation {
  /** Byte offset of each transient buffer from the start of the arena; -1 for the others. */
  readonly offsets: readonly number[];
  readonly arenaBytes: number;
  /** Most bytes alive at once: what no allocation can go under. */
  readonly aliveBytes: number;
}

interface Lifetime {
  first: number;
  last: number;
  bytes: number;
  readonly members: BufferId[];
}

/** Flat, as each new buffer is held against all of them. */
interface Placed {
  readonly first: number;
  readonly last: number;
  readonly offset: number;
  readonly end: number;
}

const ALIGNMENT = 64;

export function allocate(source: KernelCalls): Allocation {
  const { buffers, calls } = source;
  const groups = groupsOf(source);
  groups.sort((a, b) => b.bytes - a.bytes || a.first - b.first);
  const offsets: number[] = buffers.map(() => -1);
  const placed: Placed[] = []; // sorted by offset
  let arenaBytes = 0;
  for (const { first, last, bytes, members } of groups) {
    let offset = 0;
    for (const other of placed) {
      if (other.last < first || other.first > last) continue;
      if (other.offset >= offset + bytes) break;
      if (other.end > offset) offset = other.end;
    }
    const end = offset + bytes;
    placed.splice(placeBehind(placed, offset), 0, { first, last, offset, end });
    for (const member of members) offsets[member] = offset;
    arenaBytes = Math.max(arenaBytes, end);
  }
  return { offsets, arenaBytes, aliveBytes: mostAlive(groups, calls.length) };
}

/** The `aliveBytes` of an allocation, in a moment even where to allocate takes seconds. */
export function leastArenaBytes(source: KernelCalls): number {
  return mostAlive(groupsOf(source), source.calls.length);
}

/** Buffers that share a place, each group once. */
function groupsOf(source: KernelCalls): Lifetime[] {
  const lifetimes = mergeInPlace(source.calls, lifetimesOf(source));
  return [...new Set(lifetimes.filter((lifetime) => lifetime !== undefined))];
}

/** Where in the order an offset belongs, behind its equals. */
function placeBehind(placed: readonly Placed[], offset: number): number {
  let [low, high] = [0, placed.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (placed[middle]!.offset > offset) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** Buffers that a call touches, with what it does to them. */
export function touched(call: KernelCall): { buffer: BufferId; access: string }[] {
  const accesses = rowOf(call.kernel).operands;
  const found: { buffer: BufferId; access: string }[] = [];
  for (const name in call.operands) {
    const operand = call.operands[name];
    if (typeof operand === "object" && operand !== null)
      found.push({ buffer: operand.buffer, access: accesses[name]! });
  }
  if (call.inPlace?.required) found.push({ buffer: call.inPlace.input, access: "update" });
  return found;
}

function lifetimesOf({ buffers, calls, repeated }: KernelCalls): (Lifetime | undefined)[] {
  const lifetimes: (Lifetime | undefined)[] = buffers.map(() => undefined);
  calls.forEach((call, index) => {
    for (const { buffer } of touched(call)) {
      const described = buffers[buffer]!;
      if (described.kind !== "transient") continue;
      const bytes = Math.ceil(described.bytes / ALIGNMENT) * ALIGNMENT;
      const lifetime = (lifetimes[buffer] ??= { first: index, last: index, bytes, members: [buffer] });
      lifetime.last = index;
    }
  });
  if (!repeated) return lifetimes;
  const { first, end } = repeated;
  for (const lifetime of lifetimes) {
    // What goes into the repeated calls or comes out of them outlives all their repetitions.
    if (!lifetime || lifetime.first >= end || lifetime.last < first) continue;
    if (lifetime.first < first) lifetime.last = Math.max(lifetime.last, end - 1);
    if (lifetime.last >= end) lifetime.first = Math.min(lifetime.first, first);
  }
  return lifetimes;
}

/** Where an output may take its input's place and the input ends with that call, the two become one. */
function mergeInPlace(calls: readonly KernelCall[], lifetimes: (Lifetime | undefined)[]): (Lifetime | undefined)[] {
  calls.forEach(({ inPlace, node }, index) => {
    if (!inPlace) return;
    const input = lifetimes[inPlace.input];
    const output = lifetimes[inPlace.output];
    const possible =
      input &&
      output &&
      input !== output &&
      input.last === index &&
      output.first === index &&
      input.bytes === output.bytes;
    invariant(possible || !inPlace.required, `${node} adds to a gradient that is not its own`);
    if (!possible) return;
    input.last = output.last;
    for (const member of output.members) {
      input.members.push(member);
      lifetimes[member] = input;
    }
  });
  return lifetimes;
}

function mostAlive(lifetimes: readonly Lifetime[], calls: number): number {
  const change = new Array<number>(calls + 1).fill(0);
  for (const { first, last, bytes } of lifetimes) {
    change[first]! += bytes;
    change[last + 1]! -= bytes;
  }
  let [alive, most] = [0, 0];
  for (const bytes of change) most = Math.max(most, (alive += bytes));
  return most;
}
