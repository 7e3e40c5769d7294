import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

// Apart from the other tests: these need libraries that scripts/test-engines.mjs installs.
export default defineConfig({
  test: {
    root: fileURLToPath(new URL("../../..", import.meta.url)),
    include: ["test/engines/optional/*.engine.ts"],
    watch: false,
    maxWorkers: 1, // each engine uses every core itself
    // Against hanging; a machine busy with other work takes minutes where seconds would do
    testTimeout: 600_000,
    hookTimeout: 600_000,
  },
});
