import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    watch: false,
    setupFiles: ["test/support/check-passes.ts"],
    // Sessions of the wasm engine and the processes that tests start use every core themselves
    maxWorkers: 2,
    // What is tested is out of npm alone: oneDNN has tests of its own. The processes that tests start check their graphs, too
    env: { NETC_ONEDNN: "off", NETC_CHECK_GRAPH: "1" },
    // Compiling and a few training steps take seconds on a busy machine; nothing here may take minutes
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
