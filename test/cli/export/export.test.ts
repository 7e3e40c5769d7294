// `netc export`: what it writes of a run and of a file, and what it refuses.
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { netc } from "../../support/netc.js";
import { temporaryFolder } from "../../support/temporary-folder.js";

const smoke = fileURLToPath(new URL("../../../configs/smoke.yaml", import.meta.url));

describe("netc export", () => {
  it("lists its formats", async () => {
    const { output } = await netc(["export", "--help"]);
    for (const format of ["tfjs", "safetensors", "onnx", "savedmodel", "pytorch"])
      expect(output).toMatch(new RegExp(`^  ${format} `, "m"));
  });

  it("writes the newest intact checkpoint of a run, names broken ones, and leaves nothing else", async () => {
    const folder = await temporaryFolder();
    const run = join(folder, "run");
    await netc(["run", smoke, "--out", run, "--max-steps", "20"]);
    const [older, newer] = (await readdir(join(run, "checkpoints"))).toSorted();
    await writeFile(join(run, "checkpoints", newer!, "weights.safetensors"), "cut");
    const outcome = await netc(["export", "safetensors", "run", "-o", "weights"], { folder });
    expect(outcome.exitCode, outcome.errors).toBe(0);
    expect(outcome.errors).toMatch(/^warning: skipping .*: weights.safetensors is 3 bytes long, expected \d+$/m);
    expect(outcome.output).toBe(
      `run after step ${Number(/\d+/.exec(older!)![0])} is in weights:\n  model.safetensors\n`,
    );
    expect((await readdir(folder)).toSorted()).toEqual(["run", "weights"]);
    const header = await headerOf(join(folder, "weights", "model.safetensors"));
    expect(header["stem.conv.weight"]).toMatchObject({ dtype: "F32", shape: [8, 3, 3, 3] });
    expect(header["stem.norm.num_batches_tracked"]).toMatchObject({ dtype: "I64", shape: [] });
  });

  it("puts the run into the PyTorch project, to go on from", async () => {
    const folder = await temporaryFolder();
    await netc(["run", smoke, "--out", join(folder, "run"), "--max-steps", "9"]);
    const { exitCode } = await netc(["export", "pytorch", "run", "-o", "project"], { folder });
    expect(exitCode).toBe(0);
    const [checkpoint] = await readdir(join(folder, "project/run/checkpoints"));
    for (const file of ["manifest.json", "optimizer.safetensors", "weights.safetensors"]) {
      const paths = ["run", "project/run"].map((run) => join(folder, run, "checkpoints", checkpoint!, file));
      const [one, other] = await Promise.all(paths.map((path) => readFile(path)));
      expect(other).toEqual(one);
    }
    const again = await netc(["run", smoke, "--resume", "--out", join(folder, "project/run"), "--max-steps", "10"]);
    expect(again.exitCode, again.errors).toBe(0);
  });

  it.each([
    [
      "a folder that is not empty",
      ["safetensors", "run", "-o", "full"],
      1,
      "error: full is not empty; name a new folder\n",
    ],
    [
      "a file in the folder's place",
      ["safetensors", "run", "-o", "file"],
      1,
      "error: file is a file; name a new folder\n",
    ],
    [
      "a run that is not there",
      ["safetensors", "nothing", "-o", "out"],
      1,
      "error: there is no run at nothing; name the folder that `netc run` printed, such as runs/NAME-DATE\n",
    ],
    [
      "a folder that holds no run",
      ["safetensors", "full", "-o", "out"],
      1,
      "error: full holds no run to resume: full/config.yaml is missing\n",
    ],
    [
      "a run without a checkpoint",
      ["pytorch", "run", "-o", "out"],
      1,
      "error: run holds no intact checkpoint\ngo on training with `netc run --resume --out run` to make one\n",
    ],
  ])("refuses %s", async (_, args, code, message) => {
    const folder = await temporaryFolder();
    await mkdir(join(folder, "full"));
    await writeFile(join(folder, "full", "x"), "");
    await writeFile(join(folder, "file"), "");
    await mkdir(join(folder, "run"));
    const { output } = await netc(["resolve", smoke]);
    await writeFile(join(folder, "run", "config.yaml"), output);
    const before = (await readdir(folder)).toSorted();
    const { exitCode, errors } = await netc(["export", ...args], { folder });
    expect(errors).toBe(message);
    expect(exitCode).toBe(code);
    expect((await readdir(folder)).toSorted()).toEqual(before);
  });
});

async function headerOf(path: string): Promise<Record<string, object>> {
  const bytes = await readFile(path);
  return JSON.parse(bytes.subarray(8, 8 + Number(bytes.readBigUInt64LE(0))).toString()) as Record<string, object>;
}
