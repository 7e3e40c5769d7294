// `netc check --watch` as a process: it looks again when a file is saved, and when one that it extends is.
import { spawn } from "node:child_process";
import { utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { temporaryFolder } from "../support/temporary-folder.js";

const entry = fileURLToPath(new URL("../../bin/netc.js", import.meta.url));

it("checks once more a file that was saved while it was read", async () => {
  const file = join(await temporaryFolder(), "net.yaml");
  writeFileSync(file, "extends: netc:smoke\nname: mine\n");
  const soon = new Date(Date.now() + 60_000);
  utimesSync(file, soon, soon); // later than any check of it begins
  const { child, output } = watching(file);
  try {
    await expect.poll(output, { timeout: 50_000 }).toMatch(/no faults[^]*no faults/);
    writeFileSync(file, "extends: netc:smoke\nname: mine\nsead: 1\n");
    await expect.poll(output, { timeout: 50_000 }).toContain("net.yaml:3:1");
    expect(output().match(/no faults/g)).toHaveLength(2);
  } finally {
    child.kill();
  }
}, 180_000);

it("checks again when a file is saved, and when a file is saved that it extends", async () => {
  const folder = await temporaryFolder();
  const [base, file] = [join(folder, "base.yaml"), join(folder, "net.yaml")];
  writeFileSync(base, "extends: netc:smoke\ntrain: { epochs: 2 }\n");
  writeFileSync(file, "extends: base.yaml\nname: mine\n");
  const { child, output } = watching(file);
  try {
    await expect.poll(output, { timeout: 50_000 }).toContain("no faults");
    writeFileSync(base, "extends: netc:smoke\ntrain: { epochs: none }\n");
    await expect.poll(output, { timeout: 50_000 }).toContain("base.yaml:2:18");
    writeFileSync(file, "extends: netc:smoke\nname: mine\nsead: 1\n");
    await expect.poll(output, { timeout: 50_000 }).toContain("net.yaml:3:1");
  } finally {
    child.kill();
  }
}, 180_000);

function watching(file: string) {
  const child = spawn(process.execPath, [entry, "check", "--watch", file], { stdio: ["ignore", "pipe", "inherit"] });
  let written = "";
  child.stdout.on("data", (chunk: Buffer) => (written += chunk.toString()));
  return { child, output: () => written };
}
