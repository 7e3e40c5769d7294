// The memory of this very process.
export { peakMemoryBytes as peakBytes } from "../dist/runtime/process/peak-memory.js";
