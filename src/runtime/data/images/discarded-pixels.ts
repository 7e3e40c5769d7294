// Pixels that came from sharp are memory outside the heap, which lies there until the heap is next collected, and V8 lets
// some hundred megabytes of it gather before it does so: here it is collected sooner, so that decoding keeps within its bound.
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

/** How much may lie there. */
const MOST_DISCARDED = 32 * 1024 * 1024;

let discarded = 0;

/** Notes that so many bytes came, which nobody will need for long. */
export function noteDiscarded(bytes: number): void {
  discarded += bytes;
}

/** Before more come. Takes some milliseconds, beside the tenth of a second in which as many bytes are decoded. */
export function collectDiscarded(): void {
  if (discarded < MOST_DISCARDED) return;
  discarded = 0;
  collect ??= collector();
  collect();
}

let collect: (() => void) | undefined;

/** What Node.js has for this under a flag, which may be given while it runs. */
function collector(): () => void {
  setFlagsFromString("--expose-gc");
  const found = runInNewContext("gc") as () => void;
  setFlagsFromString("--no-expose-gc");
  return found;
}
