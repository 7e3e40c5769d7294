import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

// Apart from the other tests: these need a oneDNN, which scripts/test-onednn.mjs finds or installs, and names.
export default defineConfig({
  test: {
    root: fileURLToPath(new URL("../../..", import.meta.url)),
    include: ["test/engines/onednn/*.onednn.ts"],
    watch: false,
    maxWorkers: 1, // sessions use every core themselves
    // Against hanging; a machine busy with other work takes minutes where seconds would do
    testTimeout: 600_000,
    hookTimeout: 600_000,
  },
});
