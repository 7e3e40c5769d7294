// Gives back, at once, what preparing a run has left behind. V8 would keep it until its own heap is full, which while
// training it may never be: what lies outside of that heap, like a WebAssembly memory, does not count there.
import { setFlagsFromString } from "node:v8";
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
