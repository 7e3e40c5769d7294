// A path → the bytes of the plain file there. A named pipe would block for ever and a device may never end, so neither is read:
// what was opened is looked at before it is read, and opening does not wait.
import type { Stats } from "node:fs";
import { closeSync, constants, fstatSync, openSync, readFileSync } from "node:fs";
import type { FileHandle } from "node:fs/promises";
import { open, stat } from "node:fs/promises";

/** Why something is not read that is there: "is a named pipe, expected a file". */
export class NotAPlainFile extends Error {
  override readonly name = "NotAPlainFile";
  /** As the system names such faults. */
  readonly code: string;

  constructor(found: FileKind) {
    super(`is ${kindOf(found)}, expected a file`);
    this.code = found.isDirectory() ? "EISDIR" : "ENOTFILE";
  }
}

/** Throws what the system says where it cannot be opened, and a NotAPlainFile where it is something else. */
export async function readPlainFile(path: string): Promise<Buffer> {
  const file = await openPlainFile(path);
  try {
    return await file.readFile();
  } finally {
    await file.close();
  }
}

/** Open for reading; the caller closes it. */
export async function openPlainFile(path: string): Promise<FileHandle> {
  const file = await open(path, WITHOUT_WAITING).catch(async (error: NodeJS.ErrnoException) => {
    if (error.code !== "ENXIO") throw error;
    throw new NotAPlainFile(await stat(path)); // a socket
  });
  try {
    const found = await file.stat();
    if (!found.isFile()) throw new NotAPlainFile(found);
    return file;
  } catch (error) {
    await file.close();
    throw error;
  }
}

/** For compiling, which is synchronous. */
export function readPlainFileSync(path: string): Buffer {
  const file = openPlainFileSync(path);
  try {
    return readFileSync(file);
  } finally {
    closeSync(file);
  }
}

/** The number of the open file, which the caller closes. */
export function openPlainFileSync(path: string): number {
  const file = openSync(path, WITHOUT_WAITING);
  try {
    const found = fstatSync(file);
    if (!found.isFile()) throw new NotAPlainFile(found);
    return file;
  } catch (error) {
    closeSync(file);
    throw error;
  }
}

const WITHOUT_WAITING = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0); // Windows has no such flag

type FileKind = Pick<Stats, "isDirectory" | "isFIFO" | "isSocket">;

/** What something that is not a plain file is. */
export function kindOf(found: FileKind): string {
  if (found.isDirectory()) return "a folder";
  if (found.isFIFO()) return "a named pipe";
  return found.isSocket() ? "a socket" : "a device";
}
