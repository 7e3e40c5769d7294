// Whole networks' gradients, beside how far PyTorch's own float32 lies from its float64, in the median over tensors. In the
// large networks that is a matter of single ReLU masks, which flip where a sum rounds to the other side of zero.
import { expect, it } from "vitest";
import type { Engine } from "../../../src/runtime/engines/engine.js";
import type { WasmSession } from "../../../src/runtime/engines/wasm/session.js";
import { batchOf, gradientDistance, initialState, lossRecord, readFixture } from "../../oracle/fixtures.js";
import { oracleCases } from "../../oracle/networks.js";

type Medians = Readonly<Record<"resnet-20" | "tutorial-96", number>>;

/** `times` PyTorch's distance is allowed. For the wasm engine: only its sessions tell their gradients. */
export function holdGradientMedians(engine: Engine, networks: readonly (keyof Medians)[], times: number): void {
  const medians = readFixture<Medians>("gradient-distances.json", "write_gradient_distances.py");
  it.each(networks)(
    `${engine.name} has gradients of %s within ${times} times the distance of PyTorch's float32 from float64`,
    async (name) => {
      const oracle = oracleCases().find((one) => one.name === name)!;
      const session = (await engine.open(oracle.program, { threads: 2 })) as WasmSession;
      await session.writeState(initialState(oracle));
      await session.step(batchOf(oracle, 0), { learningRate: 0, step: 1 });
      const gradients = session.readGradients();
      await session.dispose();
      const records = Object.entries(lossRecord(name).gradients);
      const distances = records.map(
        ([parameter, record], index) => gradientDistance(record, index, gradients.get(parameter)!.data) / record.norm,
      );
      const median = distances.sort((a, b) => a - b)[distances.length >> 1]!;
      expect(median).toBeLessThanOrEqual(times * medians[name]);
    },
  );
}
