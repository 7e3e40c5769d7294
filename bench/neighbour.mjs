// What is left of the speed while another process computes without a pause: threads that wait for each other must not
// burn the time that the late one needs.
import { spawn } from "node:child_process";
import { sidesFor } from "./compare.mjs";
import { Side } from "./side.mjs";
import { median } from "./statistics.mjs";

export async function neighbour(workload, { threads, rounds, steps, warmup, say }) {
  const { sides } = await sidesFor(workload, { threads, warmup, bfloat16: false });
  const measured = [];
  for (const { name, ...description } of sides) {
    if (!/^netc|eager$/.test(name)) continue;
    say(name);
    const side = await Side.start({ name, ...description });
    try {
      const [alone, beside] = [[], []];
      for (let round = 0; round < rounds; round++) {
        alone.push(...(await side.slice(steps)));
        beside.push(...(await besideSpinner(() => side.slice(steps))));
      }
      await side.end();
      const rateOf = (seconds) => workload.batchSize / median(seconds);
      measured.push({ name, alone: rateOf(alone), beside: rateOf(beside) });
    } finally {
      side.stop();
    }
  }
  return { batchSize: workload.batchSize, threads, sides: measured };
}

async function besideSpinner(work) {
  const spinner = spawn(process.execPath, ["-e", "for (;;);"], { stdio: "ignore" });
  try {
    return await work();
  } finally {
    spinner.kill();
  }
}
