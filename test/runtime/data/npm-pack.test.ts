import { join } from "node:path";
import { afterEach, describe, expect, it, vi } from "vitest";
import { npmPack } from "../../../src/runtime/data/npm-pack.js";
import { fakeNpm } from "./cifar10/small-cifar10.js";
import { temporaryFolder } from "../../support/temporary-folder.js";

describe("npmPack", () => {
  afterEach(() => void vi.unstubAllEnvs());

  it("tells of a registry that does not answer, and goes on trying", async () => {
    const folder = await temporaryFolder();
    vi.stubEnv("PATH", (await fakeNpm(join(folder, "npm"), "setTimeout(() => {}, 60_000);")).path);
    const stop = new AbortController();
    const silence = await new Promise((resolve) => {
      const options = { specifier: "a@1", folder, onBytes: () => {}, silence: 50, signal: stop.signal };
      const packing = npmPack({ ...options, onSilence: () => stop.abort() });
      packing.catch((error: Error) => resolve(error.name));
    });
    expect(silence).toBe("AbortError");
  });
});
