// The wasm engine with its convolutions given to oneDNN, held to PyTorch's numbers by the suite that every engine passes.
import { expect, it } from "vitest";
import type { WasmSession } from "../../../src/runtime/engines/wasm/session.js";
import { batchOf, initialState } from "../../oracle/fixtures.js";
import { oracleCases } from "../../oracle/networks.js";
import { describeConformance } from "../conformance.js";
import { holdGradientMedians } from "./gradient-medians.js";
import { engineBy, isOld } from "./one-dnn.js";

/** WebAssembly's transforms around the library's products. */
const PRODUCTS = ["winograd fours", "winograd threes"];

for (const method of isOld ? ["direct", "winograd", "winograd fours"] : ["direct", "winograd fours"]) {
  describeConformance(engineBy(method), {
    speed: "fast",
    open: { threads: 2 },
    held: (session) => (session as WasmSession).heapBytes,
  });
}
holdGradientMedians(engineBy("direct"), ["resnet-20", "tutorial-96"], 1);
// Winograd's transforms round about five times as coarsely as direct sums; on the tutorial's network 1.6 times is left
if (isOld) holdGradientMedians(engineBy("winograd"), ["resnet-20", "tutorial-96"], 2);
// On the tutorial's network these flip a mask, the same one as the engine's own kernels
for (const method of PRODUCTS) holdGradientMedians(engineBy(method), ["resnet-20"], 1);

it.each([...PRODUCTS, "winograd whole"])("computes the same bits by %s on one thread as on three", async (method) => {
  const oracle = oracleCases().find(({ name }) => name === "tutorial-96")!;
  const gradients = async (threads: number) => {
    const session = (await engineBy(method).open(oracle.program, { threads })) as WasmSession;
    await session.writeState(initialState(oracle));
    await session.step(batchOf(oracle, 0), { learningRate: 0, step: 1 });
    const all = session.readGradients();
    await session.dispose();
    return all;
  };
  const three = await gradients(3);
  for (const [name, { data }] of await gradients(1)) {
    expect(Buffer.compare(bytesOf(data), bytesOf(three.get(name)!.data)), name).toBe(0);
  }
});

function bytesOf({ buffer, byteOffset, byteLength }: Float32Array): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength);
}
