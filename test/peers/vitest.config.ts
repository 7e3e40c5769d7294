import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

// Apart from the other tests: these need other people's programs, which scripts/test-peers.mjs installs.
export default defineConfig({
  test: {
    root: fileURLToPath(new URL("../..", import.meta.url)),
    include: ["test/peers/**/*.peer.ts"],
    watch: false,
    maxWorkers: 2,
    // Against hanging; a machine busy with other work takes minutes where seconds would do
    testTimeout: 600_000,
    hookTimeout: 600_000,
  },
});
