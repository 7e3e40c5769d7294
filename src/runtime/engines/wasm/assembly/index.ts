// The module that every thread instantiates over the shared heap: runs a whole step, kernel call by kernel call.
import { ABANDONED, STEP, TIMES } from "./generated/constants";
import { runKernel } from "./generated/dispatch";
import { PROVIDED } from "./generated/operands";
import { barrier, barrierBetweenCalls, takeUnit } from "./threads";

export { peakCopy, peakMultiplyAdd } from "./peak";
export { barrier } from "./threads";

/** Runs unit `unit` of round `round` of the call of `kernel` whose operands lie at `call`. */
// @ts-ignore: decorator
@external("env", "provide")
declare function provide(provider: i32, kernel: i32, call: usize, round: i32, unit: i32): void;

/** Runs the step at `step` with all threads; called by thread 0. With `times` it notes the time before the first call and after each there. */
export function run(step: usize, threads: i32, times: usize): void {
  atomic.store<i32>(STEP, <i32>step);
  atomic.store<i32>(TIMES, <i32>times);
  store<i32>(ABANDONED, 0);
  barrierBetweenCalls(threads);
  runCalls(step, 0, threads);
}

/** Lets the other threads end. */
export function stop(threads: i32): void {
  atomic.store<i32>(STEP, 0);
  atomic.store<i32>(TIMES, 0);
  barrier(threads);
}

/** What the other threads do: wait for a step, help with it, until there is none. */
export function help(thread: i32, threads: i32): void {
  while (true) {
    barrierBetweenCalls(threads);
    const step = <usize><u32>atomic.load<i32>(STEP);
    if (step == 0) return;
    runCalls(step, thread, threads);
  }
}

/**
 * A step is a list of calls: kernel, bytes to the next call, operands; a negative kernel ends it. What follows a call is
 * read before the barrier: behind the last one the step's place may be written over.
 */
function runCalls(step: usize, thread: i32, threads: i32): void {
  let call = step, kernel = load<i32>(call);
  while (kernel >= 0) {
    const next = call + <usize>load<i32>(call, 4), following = load<i32>(next);
    if (kernel == PROVIDED) runProvided(call + 8, threads);
    else runKernel(kernel, call + 8, thread, threads);
    barrierBetweenCalls(threads);
    if (load<i32>(ABANDONED)) {
      barrier(threads); // until all have seen it, since the next step takes the mark away
      return;
    }
    call = next;
    kernel = following;
  }
}

/** A call that is not WebAssembly's: provider, kernel, how many rounds, the units of each, and then the kernel's operands. */
function runProvided(call: usize, threads: i32): void {
  const provider = load<i32>(call), kernel = load<i32>(call, 4), rounds = load<i32>(call, 8), counts = call + 12;
  for (let round = 0; round < rounds; round++) {
    if (round > 0) barrier(threads);
    const units = load<i32>(counts + (round << 2));
    for (let unit = takeUnit(); unit < units; unit = takeUnit()) provide(provider, kernel, counts + (rounds << 2), round, unit);
  }
}
