import { describe, expect, it } from "vitest";
import { netc } from "../../support/netc.js";
import { temporaryFolder } from "../../support/temporary-folder.js";

describe("netc engine add", () => {
  it("prints the commands that set an engine up, into the cache, and runs none of them", async () => {
    const cache = await temporaryFolder();
    const { exitCode, output } = await netc(["engine", "add", "tensorflow"], { environment: { NETC_CACHE: cache } });
    expect(exitCode).toBe(0);
    const lines = output.split("\n");
    expect(lines[0]).toMatch(/^# TensorFlow 2/);
    expect(lines[1]).toBe(`python3 -m venv ${cache}/engines/tensorflow`);
    expect(lines[3]).toBe("# or: netc engine add tensorflow --yes");
  });

  it("says what cannot be run, in a sentence", async () => {
    const environment = { NETC_CACHE: await temporaryFolder(), PATH: "/nowhere" };
    const { exitCode, errors } = await netc(["engine", "add", "webgpu", "--yes"], { environment });
    expect(exitCode).toBe(1);
    expect(errors).toBe("error: `npm` cannot be run (ENOENT); install it first, then try again\n");
  });

  it("knows the engines that can be set up, and no other", async () => {
    const { exitCode, errors } = await netc(["engine", "add", "jax"]);
    expect(exitCode).toBe(2);
    expect(errors).toContain("Allowed choices are tensorflow, tfjs-node, webgpu, onednn");
  });
});
