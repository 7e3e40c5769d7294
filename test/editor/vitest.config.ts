import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

// Apart from the other tests: these need the language server, which scripts/test-editor.mjs installs.
export default defineConfig({
  test: {
    root: fileURLToPath(new URL("../..", import.meta.url)),
    include: ["test/editor/*.editor.ts"],
    watch: false,
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
