// How much memory this process has had resident at most.
import { readFileSync } from "node:fs";

/** Linux tells the peak of the program itself; what `getrusage` tells may be its parent's, from before it was this program. */
export function peakMemoryBytes(): number {
  try {
    const [, kibibytes] = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync("/proc/self/status", "utf8"))!;
    return Number(kibibytes) * 1024;
  } catch {
    return process.resourceUsage().maxRSS * 1024; // in kibibytes on every platform, says Node
  }
}
