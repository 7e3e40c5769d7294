// The wasm engine with its convolutions given to oneDNN, held to PyTorch's numbers by the suite that every engine passes.
import type { WasmSession } from "../../../src/runtime/engines/wasm/session.js";
import { describeConformance } from "../conformance.js";
import { holdGradientMedians } from "./gradient-medians.js";
import { engineBy, isOld } from "./one-dnn.js";

for (const method of isOld ? ["direct", "winograd"] : ["direct"]) {
  describeConformance(engineBy(method), {
    speed: "fast",
    open: { threads: 2 },
    held: (session) => (session as WasmSession).heapBytes,
  });
  // Winograd's transforms round about five times as coarsely as direct sums; on the tutorial's network 1.6 times is left
  holdGradientMedians(engineBy(method), method === "winograd" ? 2 : 1);
}
