// Which process a number stands for: after a restart of the machine, and in every container, the same numbers are given
// again, so a process is told by the system that counts it and by when it started.
import { execFile } from "node:child_process";
import { readFile, readlink } from "node:fs/promises";
import { hostname } from "node:os";
import { promisify } from "node:util";

export interface ProcessIdentity {
  readonly pid: number;
  readonly host: string;
  /** Of the system since it was started, and of the container: where it is equal, so are the numbers of processes. */
  readonly system?: string;
  /** When the process started, in the system's own words. */
  readonly started?: string;
}

/** A process that is paused lives. "unknown" where it cannot be told from here: on another machine, in another container. */
export type Fate = "lives" | "dead" | "unknown";

export async function thisProcess(): Promise<ProcessIdentity> {
  const { started } = await lookUp(process.pid);
  return { pid: process.pid, host: hostname(), system: await thisSystem(), started };
}

export async function fateOf({ pid, host, system, started }: ProcessIdentity): Promise<Fate> {
  const here = await thisSystem();
  const isComparable = system !== undefined && here !== undefined;
  if (isComparable ? system !== here : host !== hostname()) return "unknown";
  const found = await lookUp(pid);
  if (!found.lives) return "dead";
  if (started === undefined || found.started === undefined) return "unknown";
  return started === found.started ? "lives" : "dead";
}

interface Found {
  readonly lives: boolean;
  readonly started?: string;
}

/** Linux alone says it: the boot, and the name space that numbers processes. */
async function thisSystem(): Promise<string | undefined> {
  try {
    const boot = await readFile("/proc/sys/kernel/random/boot_id", "utf8");
    return `${boot.trim()} ${await readlink("/proc/self/ns/pid")}`;
  } catch {
    return undefined;
  }
}

async function lookUp(pid: number): Promise<Found> {
  if (!isAlive(pid)) return { lives: false };
  const found = process.platform === "linux" ? await fromProc(pid) : await fromPs(pid);
  if (found === undefined) return { lives: true };
  return found.state.startsWith("Z") || found.state.startsWith("X")
    ? { lives: false }
    : { lives: true, started: found.started };
}

interface Entry {
  readonly state: string;
  readonly started: string;
}

/** proc_pid_stat(5): the state is field 3, the start in clock ticks since boot field 22; field 2, the name, may hold anything. */
async function fromProc(pid: number): Promise<Entry | undefined> {
  const text = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => "");
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  const [state, started] = [fields[0], fields[19]];
  return state && started ? { state, started } : undefined;
}

async function fromPs(pid: number): Promise<Entry | undefined> {
  if (process.platform === "win32") return undefined;
  const args = ["-o", "stat=", "-o", "lstart=", "-p", String(pid)];
  const env = { ...process.env, LC_ALL: "C", TZ: "UTC" };
  const { stdout } = await promisify(execFile)("ps", args, { env }).catch(() => ({ stdout: "" }));
  const [, state, started] = /^\s*(\S+)\s+(.*\S)\s*$/.exec(stdout) ?? [];
  return state && started ? { state, started } : undefined;
}

/** Whether a process has that number on this machine. One that has ended and that nobody has taken note of still answers. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM"; // it lives, under another user
  }
}
