// `netc weights` and training from weights, as a user has them: what is shown, what a run keeps, and a resumed run without the file.
import { copyFile, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { residualFile } from "../../runtime/weights/residual-file.js";
import { netc } from "../../support/netc.js";
import { temporaryFolder } from "../../support/temporary-folder.js";

const oracle = fileURLToPath(new URL("../../oracle/weights/", import.meta.url));
/** A folder with files of weights and of networks for them. */
async function prepared(): Promise<string> {
  const folder = await temporaryFolder();
  for (const file of ["checkpoint.pth", "hugging-face.safetensors", "torchvision.pth"]) {
    await copyFile(oracle + file, join(folder, file));
  }
  await writeFile(join(folder, "all.yaml"), residualFile());
  const train = "  start: {weights: checkpoint.pth, head: new}\n  checkpoints: {every_steps: 1}";
  await writeFile(join(folder, "tuned.yaml"), residualFile({ classes: 7, train }));
  return folder;
}

describe("netc weights show", () => {
  it("lists tensors, and where they lie", async () => {
    const folder = await prepared();
    const { output, exitCode } = await netc(["weights", "show", "checkpoint.pth"], { folder });
    expect(exitCode).toBe(0);
    const lines = output.split("\n");
    expect(lines[0]).toMatch(/^tensor +shape +type +values$/);
    expect(lines[1]).toMatch(/^module\.conv1\.weight +\[4, 3, 3, 3\] +F32 +108$/);
    expect(output).toContain(
      "checkpoint.pth: torch.save, zip, 38 tensors of 1,121 values\nthey lie under state_dict\n",
    );
  });

  it("prints the same as JSON", async () => {
    const folder = await prepared();
    const { output } = await netc(["weights", "show", "hugging-face.safetensors", "--json"], { folder });
    const told = JSON.parse(output) as { format: string; metadata: object; tensors: { name: string }[] };
    expect([told.format, told.metadata, told.tensors.length]).toEqual(["safetensors", { format: "pt" }, 38]);
  });
});

describe("netc weights match", () => {
  it("shows who meets whom", async () => {
    const folder = await prepared();
    const { output, exitCode } = await netc(["weights", "match", "hugging-face.safetensors", "all.yaml"], { folder });
    expect(exitCode).toBe(0);
    expect(output).toMatch(/^stem\.conv\.weight +\[4, 3, 3, 3\] +resnet\.embedder\.embedder\.convolution\.weight$/m);
    expect(output).toContain("32 tensors of hugging-face.safetensors matched by name, as Hugging Face has them\n");
  });

  it("fails where a tensor of either side has no partner", async () => {
    const folder = await prepared();
    const set = ["--set", "model.classifier.classes=7", "--set", "data.dataset.synthetic.classes=7"];
    const { output, exitCode } = await netc(["weights", "match", "torchvision.pth", "all.yaml", ...set], { folder });
    expect(exitCode).toBe(1);
    expect(output).toMatch(/^classifier\.weight +\[7, 6\] +MISSING \(nearest: fc\.weight\)$/m);
    expect(output).toMatch(/^SURPLUS \(nearest: classifier\.weight\) +\[5, 6\] +fc\.weight$/m);
  });
});

describe("a run from weights", () => {
  it("keeps where it began, and goes on without the file; another starts from it", async () => {
    const folder = await prepared();
    const run = ["run", "tuned.yaml", "--out", "run", "--engine", "wasm", "--no-tune", "--threads", "1"];
    const first = await netc([...run, "--max-steps", "1"], { folder });
    expect(first.errors).toBe("");
    expect(first.output).toMatch(/start +checkpoint\.pth \(torch\.save, zip\): 30 tensors, by name/);
    expect(first.output).toContain("drawn anew: classifier.weight, classifier.bias");
    const kept = JSON.parse(await readFile(join(folder, "run/start.json"), "utf8")) as Record<string, unknown>;
    expect([kept["weights"], kept["taken"], kept["fresh"]]).toEqual([
      "checkpoint.pth",
      30,
      ["classifier.weight", "classifier.bias"],
    ]);
    expect(kept["sha256"]).toMatch(/^[0-9a-f]{64}$/);
    await rm(join(folder, "checkpoint.pth"));
    const second = await netc([...run, "--resume"], { folder });
    expect([second.errors, second.exitCode]).toEqual(["", 0]);
    await netc(["report", "run"], { folder });
    expect(await readFile(join(folder, "run/report.html"), "utf8")).toContain(kept["sha256"]);

    const set = ["--set", "train.start={weights: run, head: kept}"];
    const next = ["run", "tuned.yaml", ...set, "--out", "next", "--engine", "wasm", "--no-tune", "--threads", "1"];
    const { output, errors } = await netc([...next, "--max-steps", "1"], { folder });
    expect(errors).toBe("");
    expect(output).toMatch(/start +run \(netc, step-00000002\): 32 tensors, by name, as netc has them/);
  });
});
