import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Command } from "commander";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { register } from "../../../src/cli/data/command.js";
import { UserError } from "../../../src/runtime/process/user-error.js";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "netc-data-"));
  vi.stubEnv("NETC_CACHE", folder);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
  await rm(folder, { recursive: true });
});

describe("netc data fetch cifar10", () => {
  it.each([
    ["data", "fetch", "--help"],
    ["data", "fetch", "cifar10", "--help"],
  ])("shows where the data is kept: %s %s %s", async (...words) => {
    expect(await helpOf(words)).toContain(join(folder, "cifar10", "cifar-10-batches-bin"));
  });

  it("fails with a sentence where there is no npm", async () => {
    vi.stubEnv("PATH", folder);
    vi.spyOn(process.stderr, "write").mockReturnValue(true);
    await expect(program().parseAsync(["data", "fetch", "cifar10"], { from: "user" })).rejects.toThrow(UserError);
  });
});

async function helpOf(words: string[]): Promise<string> {
  let text = "";
  vi.spyOn(process.stdout, "write").mockImplementation((chunk) => ((text += String(chunk)), true));
  vi.spyOn(process, "exit").mockImplementation((() => {
    throw new Error("exit");
  }) as never);
  await program()
    .parseAsync(words, { from: "user" })
    .catch(() => undefined);
  return text;
}

function program(): Command {
  const netc = new Command("netc");
  register(netc);
  return netc;
}
