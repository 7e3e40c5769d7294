// The memory of this very process. Linux tells the peak of the program itself; `maxRSS` may include its parent's.
import { readFileSync } from "node:fs";

export function peakBytes() {
  try {
    const [, kilobytes] = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync("/proc/self/status", "utf8"));
    return Number(kilobytes) * 1024;
  } catch {
    return process.resourceUsage().maxRSS * 1024;
  }
}
