// Loaded before a command (`--import`): writes the process's peak memory to NETC_BENCH_PEAK_FILE when it ends.
import { writeFileSync } from "node:fs";
import { peakBytes } from "./memory.mjs";

process.on("exit", () => writeFileSync(process.env.NETC_BENCH_PEAK_FILE, String(peakBytes())));
