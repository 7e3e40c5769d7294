// Exported files → a new folder, which appears in full or not at all.
import { open, rm, rmdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { placeForFolder } from "../files/output-file.js";
import { makeFolder, publishFolder, temporaryName } from "../files/write-file-atomically.js";
import { UserError } from "../process/user-error.js";
import type { ExportedFiles } from "./source.js";
import { isExecutable } from "./source.js";

const IN_THE_WAY: ReadonlySet<string> = new Set(["EEXIST", "ENOTEMPTY", "ENOTDIR"]);

/** `path` is as `placeForFolder` wants it. */
export async function writeExport(path: string, files: ExportedFiles): Promise<void> {
  const folder = await placeForFolder(path);
  await makeFolder(dirname(folder));
  const temporary = temporaryName(folder);
  try {
    for (const [path, content] of files) await writeNew(join(temporary, path), content, isExecutable(path));
    // An empty folder may be in the way of the rename
    await rmdir(folder).catch((error: NodeJS.ErrnoException) => {
      if (error.code === "EBUSY")
        throw new UserError(`${path} is mounted and cannot be replaced; name a new folder in it`);
      if (error.code !== "ENOENT") throw error;
    });
    await publishFolder(temporary, folder);
  } catch (error) {
    await rm(temporary, { recursive: true, force: true });
    if (IN_THE_WAY.has((error as NodeJS.ErrnoException).code ?? "")) await placeForFolder(path); // says what is there by now
    throw error;
  }
}

async function writeNew(path: string, content: string | readonly Uint8Array[], executable: boolean): Promise<void> {
  await makeFolder(dirname(path));
  const file = await open(path, "wx", executable ? 0o777 : 0o666);
  try {
    for (const piece of typeof content === "string" ? [Buffer.from(content)] : content) await file.writeFile(piece);
  } finally {
    await file.close();
  }
}
