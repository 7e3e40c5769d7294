// What Linux says of this process → the addresses that it may still take. V8 sets addresses aside for every thread and ends the
// whole process where it gets none, so that nothing can be said any more: it has to be asked before.
import { readFileSync } from "node:fs";

/** In bytes; undefined where there is no limit, or none that is known. The texts are those of /proc, but in tests. */
export function addressSpaceLeft(limits = textOf("limits"), status = textOf("status")): number | undefined {
  const [, limit] = /^Max address space +(\d+)/m.exec(limits) ?? [];
  const [, taken] = /^VmSize:\s+(\d+) kB$/m.exec(status) ?? [];
  return limit && taken ? Number(limit) - Number(taken) * 1024 : undefined;
}

function textOf(name: string): string {
  try {
    return readFileSync(`/proc/self/${name}`, "utf8");
  } catch {
    return ""; // not Linux
  }
}
