// The engine "tensorflow" on the library that NETC_TENSORFLOW names: the suite that every engine passes, and what is its own.
import { tensorflowEngine } from "../../../src/runtime/engines/tensorflow/engine.js";
import type { TensorflowSession } from "../../../src/runtime/engines/tensorflow/session.js";
import { describeConformance } from "../conformance.js";

describeConformance(tensorflowEngine, {
  speed: "fast",
  open: { threads: 2 },
  held: (session) => (session as TensorflowSession).held,
});
