// Which engine a name stands for, on which device.
import { expect, it } from "vitest";
import { chooseEngine } from "../../../src/runtime/engines/index.js";

it("takes netc's own for auto, and says why", async () => {
  const { engine, reason } = await chooseEngine("auto");
  expect([engine.name, reason]).toEqual(["wasm", "netc's fastest, and this machine runs it"]);
});

it("takes the engine that is named", async () => {
  const { engine, reason } = await chooseEngine("cpu");
  expect([engine.name, reason]).toEqual(["cpu", "asked for by --engine"]);
});

it("refuses a GPU for an engine that has no way to one, and names those that have", async () => {
  await expect(chooseEngine("wasm", { kind: "gpu", index: 0 })).rejects.toThrow(
    "engine wasm has no way to a GPU; these have: `--engine tensorflow`, `--engine tfjs-node`, `--engine webgpu`",
  );
});

it("refuses a name that no engine has, and lists those that there are", async () => {
  await expect(chooseEngine("abacus")).rejects.toThrow(
    /there is no engine abacus; the engines are wasm, tensorflow, tfjs-node, webgpu, cpu/,
  );
});
