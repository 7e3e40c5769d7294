import { join, resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { cacheFolder } from "../../../src/runtime/files/cache-folder.js";

const home = resolve("/home/ada");

describe("cacheFolder", () => {
  it.each([
    ["linux", {}, join(home, ".cache", "netc")],
    ["linux", { XDG_CACHE_HOME: "/fast" }, resolve("/fast/netc")],
    ["linux", { XDG_CACHE_HOME: "/fast", NETC_CACHE: "/mine" }, resolve("/mine")],
    ["linux", { XDG_CACHE_HOME: "", NETC_CACHE: "" }, join(home, ".cache", "netc")],
    ["darwin", {}, join(home, "Library", "Caches", "netc")],
    ["darwin", { XDG_CACHE_HOME: "/fast" }, resolve("/fast/netc")],
    ["win32", {}, join(home, "AppData", "Local", "netc", "Cache")],
    ["win32", { LOCALAPPDATA: join(home, "Local") }, join(home, "Local", "netc", "Cache")],
  ] as const)("on %s with %j is %s", (platform, environment, expected) => {
    expect(cacheFolder({ platform, environment, home })).toBe(expected);
  });
});
