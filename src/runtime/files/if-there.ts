// A reading of the file system → what it gives, or undefined where there is nothing at that place. What cannot be read is
// never taken for what is not there: a full table of files or a missing right says nothing about what lies on the disk.
import { UserError } from "../process/user-error.js";
import { NotAPlainFile, readPlainFile } from "./read-plain-file.js";

/** The text of a plain file. @throws UserError where there may be one that cannot be read. */
export async function textIfThere(path: string): Promise<string | undefined> {
  return await ifThere(path, readPlainFile(path).then(String));
}

/** @throws UserError where something may be at `path` and the system does not let it be read. */
export async function ifThere<T>(path: string, reading: Promise<T>): Promise<T | undefined> {
  try {
    return await reading;
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw unreadable(path, error);
  }
}

/** Neither the name nor, where a file is in its place, the folder that it would be in. */
export function isMissing(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code === "ENOENT" || code === "ENOTDIR";
}

/** The sentence for what the system answered; other errors are faults of netc and stay what they are. */
export function unreadable(path: string, error: unknown): unknown {
  const { code, message } = error as NodeJS.ErrnoException;
  if (error instanceof NotAPlainFile) return new UserError(`${path} ${message}`);
  if (code === undefined) return error;
  const reason = /^\w+: ([^,]+)/.exec(message)?.[1] ?? message;
  return new UserError(`${path} cannot be read (${code}: ${reason}); fix that and try again`);
}
