// How much memory there is for this process and those that it starts.
import { totalmem } from "node:os";

/** What the machine has, or the limit of the container that the process runs in. */
export function machineMemoryBytes(): number {
  const limit = process.constrainedMemory?.() ?? 0; // 0 or more than there is where nothing limits it
  return limit > 0 ? Math.min(limit, totalmem()) : totalmem();
}
