// Exported files → a new folder, which appears in full or not at all.
import { mkdir, open, readdir, rm, rmdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { publishFolder, temporaryName } from "../files/write-file-atomically.js";
import { UserError } from "../process/user-error.js";
import type { ExportedFiles } from "./source.js";
import { isExecutable } from "./source.js";

/** Refuses a folder that holds anything, before any work is done for it. */
export async function refuseFullFolder(folder: string): Promise<void> {
  let names: string[];
  try {
    names = await readdir(folder);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT") return;
    if (code === "ENOTDIR") throw new UserError(`${folder} is a file; name a new folder with \`-o\``);
    throw error;
  }
  if (names.length > 0) throw new UserError(`${folder} is not empty; name a new folder with \`-o\``);
}

export async function writeExport(folder: string, files: ExportedFiles): Promise<void> {
  await refuseFullFolder(folder);
  await mkdir(dirname(folder), { recursive: true });
  const temporary = temporaryName(folder);
  try {
    for (const [path, content] of files) await writeNew(join(temporary, path), content, isExecutable(path));
    // An empty folder may be in the way of the rename
    await rmdir(folder).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== "ENOENT") throw error;
    });
    await publishFolder(temporary, folder);
  } catch (error) {
    await rm(temporary, { recursive: true, force: true });
    throw error;
  }
}

async function writeNew(path: string, content: string | readonly Uint8Array[], executable: boolean): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const file = await open(path, "wx", executable ? 0o777 : 0o666);
  try {
    for (const piece of typeof content === "string" ? [Buffer.from(content)] : content) await file.writeFile(piece);
  } finally {
    await file.close();
  }
}
