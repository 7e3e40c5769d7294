// How the threads of a step keep together: work is taken off one counter, and a barrier ends each round.
// All state lies in the control block of the shared heap, one cache line a word.

import { ARRIVED, GENERATION, NEXT, SLEEPERS, TIMES } from "./generated/constants";

/** Milliseconds on a clock that all threads share, for profiles. */
// @ts-ignore: decorator
@external("env", "now")
declare function now(): f64;

/** About ten microseconds: longer than a kernel's tail, shorter than what a busy neighbour should pay. */
const SPINS: i32 = 4000;

// @ts-ignore: decorator
@inline
export function takeUnit(): i32 {
  return atomic.add<i32>(NEXT, 1);
}

/**
 * Between two calls of a step. Who arrives last notes the time before any thread goes on: whoever is late to leave has no part in
 * it, while the stamp of a thread that is, and loses its core before it looks at the clock, would give one call the time of the next.
 */
export function barrierBetweenCalls(threads: i32): void {
  meet(threads, true);
}

/** Waits for all threads: spins for a moment, then sleeps, so that a thread that has lost its core gets it back. */
export function barrier(threads: i32): void {
  meet(threads, false);
}

function stamp(): void {
  const times = <usize>load<u32>(TIMES);
  if (times == 0) return;
  store<f64>(times, now());
  store<u32>(TIMES, <u32>times + 8);
}

function meet(threads: i32, stamps: bool): void {
  if (threads == 1) {
    store<i32>(NEXT, 0);
    if (stamps) stamp();
    return;
  }
  const generation = atomic.load<i32>(GENERATION);
  if (atomic.add<i32>(ARRIVED, 1) == threads - 1) {
    atomic.store<i32>(ARRIVED, 0);
    atomic.store<i32>(NEXT, 0);
    if (stamps) stamp();
    atomic.store<i32>(GENERATION, generation + 1);
    if (atomic.load<i32>(SLEEPERS) != 0) atomic.notify(GENERATION, threads - 1);
    return;
  }
  let spins = 0;
  while (atomic.load<i32>(GENERATION) == generation) {
    if (++spins < SPINS) continue;
    // A sleeper counts itself before it looks once more, and the opener opens before it counts: none is missed.
    atomic.add<i32>(SLEEPERS, 1);
    atomic.wait<i32>(GENERATION, generation, -1);
    atomic.sub<i32>(SLEEPERS, 1);
  }
}
