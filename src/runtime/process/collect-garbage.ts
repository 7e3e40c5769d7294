// Gives back, at once, what preparing a run has left behind. V8 would keep it until its own heap is full, which while
// training it may never be: what lies outside of that heap, like a WebAssembly memory, does not count there.
import { getHeapStatistics, setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

let collect: (() => void) | undefined;

/** Takes some tens of milliseconds. */
export function collectGarbage(): void {
  if (!collect) {
    setFlagsFromString("--expose-gc"); // contexts made from now on have it
    collect = runInNewContext("gc") as () => void;
  }
  collect();
  collect(); // waits for what the first has left to be swept meanwhile
}

/** Steps from one look at the heap to the next, and the garbage that may lie there. */
const LOOKS = 100;
const MOST_GARBAGE = 8 * 1024 * 1024;

/**
 * Keeps what a long run has resident flat: V8 lets garbage grow for tens of thousands of steps before it gives room back. To be
 * called after every step.
 */
export class GarbageKeeper {
  private steps = 0;
  private least = Infinity;

  afterStep(): void {
    if (++this.steps % LOOKS !== 0) return;
    const held = heldBytes();
    this.least = Math.min(this.least, held);
    if (held < this.least + MOST_GARBAGE) return;
    collectGarbage();
    this.least = heldBytes();
  }
}

function heldBytes(): number {
  const { used_heap_size: used, external_memory: external } = getHeapStatistics();
  return used + external;
}
