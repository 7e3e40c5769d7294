// `netc run --engine tensorflow` as a process: how it ends, how it goes on elsewhere, and what it says where the library is
// not what it should be.
import { mkdirSync, openSync, readFileSync, readSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { findTensorflow } from "../../../src/runtime/engines/tensorflow/find-library.js";
import { netc } from "../../support/netc.js";
import { temporaryFolder } from "../../support/temporary-folder.js";
import { unevenRun } from "./uneven-run.js";

const SMOKE = "configs/smoke.yaml";

describe("netc run --engine tensorflow", () => {
  it("trains, saves the model and ends with exit code 0 and nothing on standard error", async () => {
    const folder = await temporaryFolder();
    const out = join(folder, "run");
    const { exitCode, output, errors } = await netc(["run", SMOKE, "--engine", "tensorflow", "--out", out]);
    expect({ exitCode, errors }).toEqual({ exitCode: 0, errors: "" });
    expect(output).toMatch(/engine +tensorflow TensorFlow 2\.\d+\.\d+/);
    expect(readFileSync(join(out, "model", "model.json"), "utf8")).toContain("weightsManifest");
  });

  it.each([
    ["tensorflow", "wasm"],
    ["wasm", "tensorflow"],
  ])("writes checkpoints on %s that resume on %s", async (first, second) => {
    const folder = await temporaryFolder();
    const out = join(folder, "run");
    const whole = join(folder, "whole");
    const begun = await netc(["run", SMOKE, "--engine", first, "--out", out, "--max-steps", "20"]);
    expect(begun.exitCode).toBe(0);
    const resumed = await netc(["run", SMOKE, "--engine", second, "--out", out, "--resume"]);
    expect(resumed.exitCode).toBe(0);
    await netc(["run", SMOKE, "--engine", second, "--out", whole]);
    const [loss, expected] = [out, whole].map(lastTestLoss);
    // Rounding alone, over 32 steps at the file's own rate
    expect(Math.abs(loss! / expected! - 1)).toBeLessThan(0.02);
  });

  it("survives batches that threads do not divide, before a projection with a stride", async () => {
    const { exitCode, errors } = await netc([
      ...unevenRun("tensorflow"),
      "--out",
      join(await temporaryFolder(), "run"),
    ]);
    expect({ exitCode, errors }).toEqual({ exitCode: 0, errors: "" });
  });

  it("ends with exit code 130 and a checkpoint where it is interrupted", async () => {
    const out = join(await temporaryFolder(), "run");
    const args = ["run", SMOKE, "--engine", "tensorflow", "--out", out, "--set", "train.epochs=2000"];
    const { exitCode, output } = await netc(args, { kill: { signal: "SIGINT", when: "images/s" } });
    expect(exitCode).toBe(130);
    expect(output).toContain("--resume");
  });
});

describe("a library that is not what it should be", () => {
  const run = async (library: string) => {
    const environment = { NETC_TENSORFLOW: library };
    const out = join(await temporaryFolder(), "run");
    return netc(["run", SMOKE, "--engine", "tensorflow", "--out", out], { environment });
  };

  it("is missing", async () => {
    const { exitCode, errors } = await run("/nowhere/at/all");
    expect(exitCode).toBe(1);
    expect(errors).toMatch(
      /^error: engine tensorflow is not available: NETC_TENSORFLOW is \/nowhere.*netc engine add tensorflow --yes/,
    );
    expect(errors.trim().split("\n")).toHaveLength(1);
  });

  it("is corrupt", async () => {
    const folder = await temporaryFolder();
    writeFileSync(join(folder, "libtensorflow_cc.so.2"), "no library at all");
    const { exitCode, errors } = await run(folder);
    expect(exitCode).toBe(1);
    expect(errors).toMatch(/^error: .*libtensorflow_cc\.so\.2 cannot be loaded as TensorFlow's library/);
    expect(errors.trim().split("\n")).toHaveLength(1);
  });

  it("is cut short", async () => {
    const search = findTensorflow();
    if ("missing" in search) throw new Error(search.missing);
    const folder = await temporaryFolder();
    const beginning = new Uint8Array(1024 * 1024);
    readSync(openSync(search.library.path, "r"), beginning);
    writeFileSync(join(folder, "libtensorflow_cc.so.2"), beginning);
    const { exitCode, errors } = await run(folder);
    expect(exitCode).toBe(1);
    expect(errors).toMatch(
      /^error: .*libtensorflow_cc\.so\.2 cannot be loaded as TensorFlow's library: it is truncated/,
    );
  });

  it("is another library", async () => {
    const report = process.report.getReport() as { sharedObjects: string[] };
    const math = report.sharedObjects.find((path) => /libm[.-]/.test(path))!;
    const { exitCode, errors } = await run(math);
    expect(exitCode).toBe(1);
    expect(errors).toContain("is not TensorFlow's library: it has no function TF_Version");
  });

  it("is too old", async () => {
    const folder = await temporaryFolder();
    mkdirSync(join(folder, "tensorflow"));
    mkdirSync(join(folder, "tensorflow-2.4.1.dist-info"));
    writeFileSync(join(folder, "tensorflow", "libtensorflow_cc.so.2"), "");
    const { exitCode, errors } = await run(folder);
    expect(exitCode).toBe(1);
    expect(errors).toMatch(/^error: TensorFlow 2\.4\.1 in .* is too old: netc needs 2\.12 or newer/);
  });

  it("has no GPU", async () => {
    const out = join(await temporaryFolder(), "run");
    const { exitCode, errors } = await netc(["run", SMOKE, "--device", "gpu:0", "--out", out]);
    expect(exitCode).toBe(1);
    expect(errors).toMatch(/TensorFlow 2\.\d+\.\d+ sees no GPU 0 here/);
  });
});

function lastTestLoss(folder: string): number {
  const lines = readFileSync(join(folder, "events.jsonl"), "utf8").trim().split("\n");
  const evaluations = lines.map((line) => JSON.parse(line)).filter(({ event }) => event === "evaluation");
  return evaluations.at(-1).loss;
}
