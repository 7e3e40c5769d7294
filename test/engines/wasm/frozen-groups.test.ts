// A group of parameters that is frozen: its last gradient must not linger in memory and count on.
import { expect, it } from "vitest";
import { compileText } from "../../../src/compiler/compile.js";
import { openWasmSession } from "../../../src/runtime/engines/wasm/session.js";
import { randomBatch } from "../../reference/build-program.js";

it.each([1, 2])("clips as if it had never been trained, with batches in %i parts", async (parts) => {
  const text = `
name: demo
data: { dataset: { synthetic: { train_images: 16, test_images: 8, height: 8, width: 8 } } }
model: { stem: { channels: 8 }, stages: [{ channels: 8, blocks: 1 }] }
train:
  epochs: 4
  batch_size: 8
  accumulate: ${parts}
  optimizer: sgd
  learning_rate: 0.1
  gradient_clip: { norm: 0.1 }
  groups: [{ layers: [stem], epochs: 1 }]
`;
  const program = compileText(text, "file.yaml").value!;
  const [whole, resumed] = await Promise.all([openWasmSession(program, 1), openWasmSession(program, 1)]);
  for (let step = 1; step <= 2; step++) await whole.step(randomBatch(program, 8, step), { learningRate: 0.1, step });
  await resumed.writeState(await whole.readState());
  for (let step = 3; step <= 4; step++) {
    const batch = randomBatch(program, 8, step);
    const hyper = { learningRate: 0.1, step };
    expect(await whole.step(batch, hyper)).toEqual(await resumed.step(batch, hyper));
  }
  expect(await whole.readState()).toEqual(await resumed.readState());
  await Promise.all([whole.dispose(), resumed.dispose()]);
});
