import { expect, it } from "vitest";
import { engineNames, loadEngine } from "../../src/runtime/engines/index.js";
import { tinyConfig } from "../support/tiny-config.js";
import { programOf } from "../support/tiny-run.js";

const { train } = tinyConfig();
const program = programOf(tinyConfig({ train: { ...train, recompute: true } }));

it("`recompute: true` is taken by the engine that plans its memory", async () => {
  await expect((await loadEngine("wasm")).require(program)).resolves.toBeUndefined();
});

it.each(engineNames.filter((name) => name !== "wasm"))(
  "`recompute: true` is refused by %s, with the way on",
  async (name) => {
    await expect((await loadEngine(name)).require(program)).rejects.toThrow(
      `the ${name} engine cannot choose which maps are kept for the backward pass, and the file asks for train.recompute; ` +
        "train with `--engine wasm`, or write `recompute: false`",
    );
  },
);
