// Where netc keeps what it has fetched, outside any project.
import { mkdir } from "node:fs/promises";
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { systemFault } from "../process/system-faults.js";
import { UserError } from "../process/user-error.js";

export interface CacheSurroundings {
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly platform: NodeJS.Platform;
  readonly home: string;
}

/**
 * `NETC_CACHE`; else `XDG_CACHE_HOME/netc`; else the platform's habit: `~/Library/Caches/netc` on macOS,
 * `%LOCALAPPDATA%\netc\Cache` on Windows, `~/.cache/netc` elsewhere. The folder need not exist yet.
 */
export function cacheFolder(surroundings: CacheSurroundings = thisMachine()): string {
  const { environment, platform, home } = surroundings;
  if (environment["NETC_CACHE"]) return resolve(environment["NETC_CACHE"]);
  if (environment["XDG_CACHE_HOME"]) return resolve(environment["XDG_CACHE_HOME"], "netc");
  if (platform === "darwin") return join(home, "Library", "Caches", "netc");
  if (platform === "win32") {
    return join(environment["LOCALAPPDATA"] || join(home, "AppData", "Local"), "netc", "Cache");
  }
  return join(home, ".cache", "netc");
}

/** Makes a folder in the cache. @throws UserError where the cache cannot be there. */
export async function makeInCache(path: string): Promise<void> {
  try {
    await mkdir(path, { recursive: true });
  } catch (error) {
    const fault = (error as NodeJS.ErrnoException).code === "EEXIST" ? "a file is in its place" : systemFault(error);
    if (fault === undefined) throw error;
    throw new UserError(
      `netc's cache cannot be kept in ${cacheFolder()}: ${fault}; set NETC_CACHE to a folder that can be written`,
    );
  }
}

function thisMachine(): CacheSurroundings {
  const { env: environment, platform } = process;
  return { environment, platform, home: environment["NETC_CACHE"] ? "" : homeFolder() };
}

function homeFolder(): string {
  try {
    return homedir();
  } catch {
    throw new UserError("this user has no home folder; set NETC_CACHE to a folder that can be written");
  }
}
