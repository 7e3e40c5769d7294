// `netc init [PRESET]`: a commented file to start from, one of those that come with netc.
import type { Command } from "commander";
import { exitCodes } from "../screen/exit-codes.js";

interface InitFlags {
  readonly out?: string;
  readonly force: boolean;
  readonly list: boolean;
  readonly folder?: string;
  readonly weights?: string;
}

/** What a newcomer starts from: the shortest way to a good network. */
const PHOTOS = "photos"; // a file for a folder of one's own pictures

const STARTER = { preset: "resnet-cifar", path: "network.yaml" };

export function register(program: Command): void {
  program
    .command("init")
    .summary("write a commented file to start from")
    .description(
      "Writes one of the files that come with netc, to change from there; `netc init photos --folder FOLDER` writes one for" +
        " pictures of your own, which goes on from trained weights where --weights names some.",
    )
    .argument("[preset]", `which file (default: ${STARTER.preset}, as ${STARTER.path})`)
    .option("-o, --out <file>", "where to write it; - prints it (default: PRESET.yaml)")
    .option("--folder <folder>", "with photos: the folder of pictures, a folder for each class in it (default: photos)")
    .option("--weights <file>", "with photos: trained weights to start from, as `train.start` takes them")
    .option("--list", "list the files to choose from", false)
    .option("--force", "overwrite a file that is there", false)
    .action(init);
}

async function init(preset: string | undefined, flags: InitFlags, command: Command): Promise<void> {
  const { out, list, folder, weights } = flags;
  if (preset === PHOTOS) return await initPhotos(flags);
  if (folder !== undefined || weights !== undefined) {
    return command.error("error: --folder and --weights belong to `netc init photos`");
  }
  const { presets, readPreset } = await import("../../runtime/source/presets.js");
  const known = await presets();
  if (list) {
    const width = Math.max(...known.map(({ name }) => name.length));
    process.stdout.write(known.map(({ name, summary }) => `${name.padEnd(width)}  ${summary}\n`).join(""));
    return;
  }
  const name = (preset ?? STARTER.preset).replace(/^netc:/, "").replace(/\.yaml$/, "");
  if (!known.some((other) => other.name === name)) {
    const { nearest } = await import("../../compiler/diagnostics/suggest.js");
    const names = known.map((other) => other.name);
    const meant = nearest(name, names);
    return command.error(
      `error: there is no preset ${name}${meant ? `; did you mean ${meant}?` : `: there are ${names.join(", ")}`}`,
    );
  }
  const path = out ?? (preset === undefined ? STARTER.path : `${name}.yaml`);
  const text = await readPreset(name, path);
  await write(path, text, flags);
}

async function initPhotos(flags: InitFlags): Promise<void> {
  const { out: path = `${PHOTOS}.yaml`, folder = PHOTOS, weights } = flags;
  const [{ photosFile }, { schemaHeader }] = await Promise.all([
    import("./photos.js"),
    import("../../runtime/source/presets.js"),
  ]);
  await write(path, await photosFile({ folder, weights }, schemaHeader(path)), flags);
}

/** "-" is standard output. */
async function write(path: string, text: string, { force }: Pick<InitFlags, "force">): Promise<void> {
  if (path === "-") {
    process.stdout.write(text);
    return;
  }
  const [{ statSync }, { printLine, warnLine }, { refuseUnwritable, writeOutput }] = await Promise.all([
    import("node:fs"),
    import("../screen/print.js"),
    import("../../runtime/files/output-file.js"),
  ]);
  await refuseUnwritable(path);
  if (!force && statSync(path, { throwIfNoEntry: false })?.isFile()) {
    warnLine(`error: ${path} is there already; choose another name with --out, or overwrite it with --force`);
    process.exitCode = exitCodes.inputHasErrors;
    return;
  }
  await writeOutput(path, text);
  const { shellWord } = await import("../../runtime/process/shell-word.js");
  const word = shellWord(path);
  printLine(`wrote ${path}; check it with \`netc check ${word}\`, train it with \`netc run ${word}\``);
}
