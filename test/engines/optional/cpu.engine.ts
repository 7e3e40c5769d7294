// The engine "cpu" beside wasm. It needs no library, but takes too long for the tests that run everywhere.
import { tfjsCpuEngine } from "../../../src/runtime/engines/tfjs/engine.js";
import { describeAgreement } from "./agreement.js";

describeAgreement(tfjsCpuEngine, { tolerance: 1e-4, steps: { beside: 50, memory: 30 } });
