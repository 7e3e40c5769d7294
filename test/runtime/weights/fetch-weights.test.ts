// Weights from an address: fetched once, gone on with where they were cut off, checked, and not asked for again.
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { sha256Of } from "../../../src/runtime/files/digest.js";
import { cachedWeights, fetchWeights } from "../../../src/runtime/weights/fetch-weights.js";
import { temporaryFolder } from "../../support/temporary-folder.js";

const ADDRESS = "https://example.org/../../weights\u001b[31m.pth";
const content = Buffer.from("the weights of a network");
const digest = sha256Of(content);

beforeEach(async () => void vi.stubEnv("NETC_CACHE", await temporaryFolder()));
afterEach(() => void vi.unstubAllEnvs());

const asked = (init: RequestInit): string | null => new Headers(init.headers).get("range");

it("keeps what it fetched under its digest, and fetches it once", async () => {
  const request = vi.fn(async () => new Response(content));
  const path = await fetchWeights(ADDRESS, digest, { request });
  expect(path).toBe(cachedWeights(digest));
  expect(await readFile(path)).toEqual(content);
  expect(await fetchWeights(ADDRESS, digest, { request })).toBe(path);
  expect(request).toHaveBeenCalledTimes(1);
  expect(await readdir(dirname(path))).toEqual([digest]);
});

it("goes on where it was cut off", async () => {
  await mkdir(dirname(cachedWeights(digest)), { recursive: true });
  await writeFile(`${cachedWeights(digest)}.part`, content.subarray(0, 10));
  const request = vi.fn(async (_: string, init: RequestInit) => {
    expect(asked(init)).toBe("bytes=10-");
    return new Response(content.subarray(10), { status: 206 });
  });
  expect(await readFile(await fetchWeights(ADDRESS, digest, { request }))).toEqual(content);
});

it("begins again where the server sends all of it", async () => {
  await mkdir(dirname(cachedWeights(digest)), { recursive: true });
  await writeFile(`${cachedWeights(digest)}.part`, "something else");
  expect(await readFile(await fetchWeights(ADDRESS, digest, { request: async () => new Response(content) }))).toEqual(
    content,
  );
});

it("refuses another file than was meant, and keeps nothing of it", async () => {
  const request = async () => new Response("another file");
  await expect(fetchWeights(ADDRESS, digest, { request })).rejects.toThrow(/has the SHA-256 [0-9a-f]{64}, expected/);
  expect(await readdir(dirname(cachedWeights(digest)))).toEqual([]);
});

it("says what the server or the network answered", async () => {
  const missing = async () => new Response("", { status: 404, statusText: "Not Found" });
  await expect(fetchWeights(ADDRESS, digest, { request: missing })).rejects.toThrow("the server answers 404 Not Found");
  const down = async () => {
    throw new TypeError("fetch failed", { cause: new Error("getaddrinfo ENOTFOUND example.org") });
  };
  await expect(fetchWeights(ADDRESS, digest, { request: down })).rejects.toThrow(
    /cannot be fetched \(getaddrinfo ENOTFOUND example\.org\); what has arrived is kept/,
  );
});
