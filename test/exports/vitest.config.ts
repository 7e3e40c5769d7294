import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

// Apart from the other tests: these need PyTorch, ONNX Runtime, a browser and linters, which scripts/test-exports.mjs finds
// or installs.
export default defineConfig({
  test: {
    root: fileURLToPath(new URL("../..", import.meta.url)),
    include: ["test/exports/*.exports.ts"],
    watch: false,
    maxWorkers: 2,
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
});
