// What netc writes as a SavedModel, loaded by the Python package that the library comes with.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { savedModel } from "../../../src/compiler/targets/saved-model.js";
import { wasmEngine } from "../../../src/runtime/engines/wasm/engine.js";
import { batchOf, initialState } from "../../oracle/fixtures.js";
import { netc } from "../../support/netc.js";
import { temporaryFolder } from "../../support/temporary-folder.js";
import { oracleNamed } from "./agreement.js";

const script = fileURLToPath(new URL("saved_model.py", import.meta.url));
const python = join(process.env["NETC_TENSORFLOW"] ?? "", "bin", "python");

it("has the Python that the tests of SavedModels need", () => {
  expect(existsSync(python), `${python} is there: NETC_TENSORFLOW names a Python environment's folder`).toBe(true);
});

it.each(["residual-adamw", "odd-windows", "uneven-strides", "convolutions-in-groups"])(
  "writes %s as a SavedModel whose logits in Python are those of the wasm engine",
  async (name) => {
    const oracle = oracleNamed(name);
    const session = await wasmEngine.open(oracle.program, { threads: 2 });
    await session.writeState(initialState(oracle));
    for (let step = 0; step < 3; step++) {
      await session.step(batchOf(oracle, step), { learningRate: 1e-2, step: step + 1 });
    }
    const folder = join(await temporaryFolder(), "model");
    mkdirSync(folder);
    writeFileSync(join(folder, "saved_model.pb"), savedModel(oracle.program, await session.readState()));
    const batch = batchOf(oracle, 5);
    const expected = (await session.evaluate(batch)).logits;
    await session.dispose();

    const { height, width, channels } = oracle.program.config.model.input;
    const shape = JSON.stringify([batch.count, height, width, channels]);
    const { stdout, stderr, status } = spawnSync(python, [script, folder, shape], {
      input: batch.images,
      encoding: "utf8",
    });
    expect(status, stderr).toBe(0);
    const found = JSON.parse(stdout) as Record<"logits" | "probabilities" | "one", number[][]>;
    const largest = Math.max(...expected.map(Math.abs));
    found.logits.flat().forEach((value, at) => {
      expect(Math.abs(value - expected[at]!) / largest).toBeLessThan(1e-4); // float32, other kernels
    });
    expect(found.logits).toHaveLength(batch.count);
    expect(found.one).toHaveLength(1); // any number of images
    for (const row of found.probabilities) {
      expect(row.reduce((sum, share) => sum + share, 0)).toBeCloseTo(1, 5);
    }
  },
);

it("exports a run with a running average of the weights, and the names of its classes", async () => {
  const folder = await temporaryFolder();
  const average = ["--set", "train.weight_average={ ema: { decay: 0.9 } }"];
  await netc(["run", "configs/smoke.yaml", "--out", join(folder, "run"), "--max-steps", "8", ...average]);
  const exported = await netc(["export", "savedmodel", "run", "-o", "model"], { folder });
  expect(exported.exitCode, exported.errors).toBe(0);
  expect(exported.output).toContain("saved_model.pb");
  expect(
    readFileSync(join(folder, "model", "assets", "classes.txt"), "utf8")
      .trim()
      .split("\n").length,
  ).toBeGreaterThan(1);
  const inspected = spawnSync(
    python,
    [
      "-m",
      "tensorflow.python.tools.saved_model_cli",
      "show",
      "--dir",
      join(folder, "model"),
      "--tag_set",
      "serve",
      "--signature_def",
      "serving_default",
    ],
    { encoding: "utf8" },
  );
  expect(inspected.status, inspected.stderr).toBe(0);
  expect(inspected.stdout).toMatch(/inputs\['images'\][^]*DT_UINT8[^]*\(-1, 16, 16, 3\)/);
  expect(inspected.stdout).toMatch(/Method name is: tensorflow\/serving\/predict/);
  const { channels, height, width } = { channels: 3, height: 16, width: 16 };
  const images = new Uint8Array(2 * height * width * channels).fill(128);
  const { status, stderr } = spawnSync(
    python,
    [script, join(folder, "model"), JSON.stringify([2, height, width, channels])],
    { input: images, encoding: "utf8" },
  );
  expect(status, stderr).toBe(0);
});
