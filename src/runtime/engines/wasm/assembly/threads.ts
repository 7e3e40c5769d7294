// How the threads of a step keep together: work is taken off one counter, and a barrier ends each round.
// All state lies in the control block of the shared heap, one cache line a word.

import { ARRIVED, GENERATION, NEXT, SLEEPERS } from "./generated/constants";

/** About ten microseconds: longer than a kernel's tail, shorter than what a busy neighbour should pay. */
const SPINS: i32 = 4000;

// @ts-ignore: decorator
@inline
export function takeUnit(): i32 {
  return atomic.add<i32>(NEXT, 1);
}

/** Waits for all threads: spins for a moment, then sleeps, so that a thread that has lost its core gets it back. */
export function barrier(threads: i32): void {
  if (threads == 1) {
    store<i32>(NEXT, 0);
    return;
  }
  const generation = atomic.load<i32>(GENERATION);
  if (atomic.add<i32>(ARRIVED, 1) == threads - 1) {
    atomic.store<i32>(ARRIVED, 0);
    atomic.store<i32>(NEXT, 0);
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
