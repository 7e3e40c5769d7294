// Runs in bfloat16 by machine code through the command line: resumed with other threads and another set of instructions, and
// refused where there is neither machine code nor oneDNN.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { netc } from "../../../support/netc.js";
import { temporaryFolder } from "../../../support/temporary-folder.js";
import { hasBfloat16, sets } from "./code-memory.js";

const smoke = fileURLToPath(new URL("../../../../configs/smoke.yaml", import.meta.url));
const bfloat16 = ["run", smoke, "--set", "train.precision=bfloat16"];

it.runIf(sets.length > 0)("goes on with AVX-512 and other threads to the bits of a run with AVX2", async () => {
  const [whole, parts] = [await temporaryFolder(), await temporaryFolder()];
  const until = (steps: number, folder: string) => [...bfloat16, "--max-steps", String(steps), "--out", folder];
  const environment = { NETC_CODE: "avx2" };
  expect((await netc([...until(12, whole), "--no-tune", "--threads", "1"], { environment })).errors).toBe("");
  expect((await netc([...until(5, parts), "--no-tune", "--threads", "2"], { environment })).exitCode).toBe(0);
  expect((await netc([...until(12, parts), "--resume", "--threads", "3"])).exitCode).toBe(0);
  const weights = (folder: string) => readFile(join(folder, "checkpoints", "step-00000012", "weights.safetensors"));
  expect(await weights(parts)).toEqual(await weights(whole));
});

it.runIf(hasBfloat16)("does not go on without the instructions that a kernel multiplied with", async () => {
  const folder = await temporaryFolder();
  const run = (steps: number) => [...bfloat16, "--max-steps", String(steps), "--out", folder];
  expect((await netc([...run(2), "--no-tune"])).errors).toBe("");
  const { exitCode, errors } = await netc([...run(4), "--resume"], { environment: { NETC_CODE: "avx2" } });
  expect(exitCode).toBe(1);
  expect(errors).toMatch(
    /^error: the run computed ".*" by the kernel "code 1 bfloat16", which is missing here; run where .* with AVX-512 BF16 for/,
  );
});

it("refuses bfloat16 where nothing here convolves such maps, and says what would", async () => {
  const environment = { NETC_CODE: "off", NETC_ONEDNN: "off" };
  const { exitCode, errors } = await netc([...bfloat16, "--out", await temporaryFolder()], { environment });
  expect(exitCode).toBe(1);
  expect(errors).toBe(
    "error: train.precision: bfloat16 needs machine code, or oneDNN on a processor with AVX-512 BF16 or AMX; this machine is " +
      "without machine code (NETC_CODE is off), without oneDNN (turned off by NETC_ONEDNN): run where machine code is " +
      'allowed on x86-64 Linux with AVX2, and with AVX-512 BF16 for "bfloat16", ' +
      "run `apt-get install libdnnl2` or `netc engine add onednn --yes`, or set NETC_ONEDNN to " +
      "a libdnnl file, or write `precision: float32`\n",
  );
});
