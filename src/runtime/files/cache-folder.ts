// Where netc keeps what it has fetched, outside any project.
import { homedir } from "node:os";
import { join, resolve } from "node:path";

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

function thisMachine(): CacheSurroundings {
  return { environment: process.env, platform: process.platform, home: homedir() };
}
