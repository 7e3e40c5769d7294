import { writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { afterEach, describe, expect, it, vi } from "vitest";
import { cacheFolder, makeInCache } from "../../../src/runtime/files/cache-folder.js";
import { temporaryFolder } from "../../support/temporary-folder.js";

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

describe("makeInCache", () => {
  afterEach(() => void vi.unstubAllEnvs());

  it.each([
    ["NETC_CACHE is a file", "NETC_CACHE", "file", "file"],
    ["it leads through a file", "NETC_CACHE", "file/cache", "cache"],
    ["the home is a file", "HOME", "file", "netc"],
  ])("names the way on where %s", async (_, variable, name, cache) => {
    const folder = await temporaryFolder();
    await writeFile(join(folder, "file"), "");
    for (const other of ["NETC_CACHE", "XDG_CACHE_HOME"]) vi.stubEnv(other, "");
    vi.stubEnv(variable, join(folder, name));
    const sentence = new RegExp(
      `^netc's cache cannot be kept in .*${cache}: .*; set NETC_CACHE to a folder that can be`,
    );
    await expect(makeInCache(join(cacheFolder(), "images"))).rejects.toThrow(sentence);
  });
});
