import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

// Apart from the other tests: these need libraries that scripts/test-engines.mjs installs.
export default defineConfig({
  test: {
    root: fileURLToPath(new URL("../../..", import.meta.url)),
    include: ["test/engines/optional/*.engine.ts"],
    watch: false,
    maxWorkers: 1, // each engine uses every core itself
    testTimeout: 300_000, // fifty steps of the engine cpu, on a busy machine
    hookTimeout: 120_000,
  },
});
