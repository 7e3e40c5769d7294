// The memory of this very process.
export { peakMemoryBytes as peakBytes } from "../dist/runtime/peak-memory.js";
