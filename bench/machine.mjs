// What a figure depends on: the machine, the commit, the versions.
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { availableParallelism, cpus, freemem, loadavg, platform, release, totalmem } from "node:os";

const root = new URL("../", import.meta.url);

export function machine() {
  const processors = cpus();
  return {
    processor: processors[0]?.model.trim() ?? "unknown processor",
    cores: availableParallelism(),
    memoryBytes: totalmem(),
    freeMemoryBytes: freemem(),
    system: `${platform()} ${release()}`,
    /** Runnable processes over the last minute: a quiet machine is near 0. */
    load: loadavg()[0],
  };
}

export function versions() {
  const { version } = JSON.parse(readFileSync(new URL("package.json", root), "utf8"));
  return { netc: version, node: process.version };
}

export function commit() {
  const git = (...args) =>
    execFileSync("git", args, { cwd: root, encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
  try {
    return {
      commit: git("rev-parse", "--short", "HEAD").trim(),
      changed: git("status", "--porcelain", "-uno").trim() !== "",
    };
  } catch {
    return { commit: "unknown", changed: false };
  }
}
