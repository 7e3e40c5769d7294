// A file or a folder that the user has named for a command to write: whether that can be is said before the work, and what is
// written goes where the name leads, through links, into pipes and devices. Only a plain file is replaced, as a whole.
import type { Stats } from "node:fs";
import { constants } from "node:fs";
import { access, lstat, open, readdir, readlink, realpath, stat } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { systemFault } from "../process/system-faults.js";
import { UserError } from "../process/user-error.js";
import { writeFileAtomically } from "./write-file-atomically.js";

/** @throws UserError where `path` cannot be written: its folder is missing, it is itself a folder, it may not be changed. */
export async function refuseUnwritable(path: string): Promise<void> {
  const { target, found } = await placeOf(path);
  if (found?.isDirectory()) throw new UserError(`${path} is a folder; name a file in it`);
  if (/[/\\]$/.test(path)) throw new UserError(`${path} names a folder; name a file in it`);
  if (found?.isSocket())
    throw new UserError(`${path} is a socket, which cannot be written as a file; name another file`);
  if (found) return await orSay(path, access(target, constants.W_OK));
  await refuseMissingFolder(path, dirname(target));
  await orSay(path, access(dirname(target), constants.W_OK));
}

/** Writes where `refuseUnwritable` has found nothing amiss. A plain file keeps its permissions. */
export async function writeOutput(path: string, data: string | Uint8Array): Promise<void> {
  await refuseUnwritable(path); // as it is now
  const { target, found } = await placeOf(path);
  const isReplaced = found ? found.isFile() && !isOpenFile(path) : true;
  const work = isReplaced ? replace(target, data, found) : found?.isFIFO() ? pipe(path, data) : writeInto(path, data);
  await orSay(path, work);
}

/**
 * Where a new folder named `path` is to be made, every link followed. @throws UserError where something is in its place that is
 * no empty folder, or above it that is no folder.
 */
export async function placeForFolder(path: string): Promise<string> {
  await refuseUnmakeable(path);
  const { target, found } = await placeOf(path);
  if (found && (await orSay(path, readdir(target))).length > 0) {
    throw new UserError(`${path} is not empty; name a new folder`);
  }
  return target;
}

/** @throws UserError where no folder can be made at `path`, or used there, for something on the way to it. */
export async function refuseUnmakeable(path: string): Promise<void> {
  const { target, found } = await placeOf(path);
  if (found && !found.isDirectory()) throw new UserError(`${path} is a file; name a new folder`);
  if (!found && target !== resolve(path))
    throw new UserError(`${path} is a link to a folder that does not exist; make ${target} first`);
  let above = dirname(target);
  while ((await foundAt(above, path)) === undefined) above = dirname(above);
  if (!(await foundAt(above, path))!.isDirectory()) {
    throw new UserError(`${path} cannot be made: ${above} is not a folder`);
  }
  await orSay(path, access(found ? target : above, constants.W_OK));
}

interface Place {
  /** With no link left to follow. */
  readonly target: string;
  readonly found: Stats | undefined;
}

const MOST_LINKS = 40; // as Linux has it

async function placeOf(path: string): Promise<Place> {
  if (path === "") throw new UserError("the name of the file to write is empty");
  let target = resolve(path);
  for (let links = 0; links < MOST_LINKS; links++) {
    const found = await foundAt(target, path);
    // What a link of the system stands for, such as a pipe in /dev/fd, has no path of its own
    if (found) return { target: found.isFile() || found.isDirectory() ? await realpath(target) : target, found };
    const link = await readlink(target).catch(() => undefined);
    if (link === undefined) return { target, found: undefined };
    target = resolve(dirname(target), link); // to nothing yet: a shell would make it there
  }
  throw new UserError(`${path} cannot be written: the links form a cycle`);
}

async function foundAt(path: string, named = path): Promise<Stats | undefined> {
  try {
    return await stat(path);
  } catch (error) {
    const { code = "" } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ENOTDIR") return undefined;
    throw refusal(named, error);
  }
}

async function refuseMissingFolder(path: string, folder: string): Promise<void> {
  const found = await foundAt(folder, path);
  if (found?.isDirectory()) return;
  const shown = folder === dirname(resolve(path)) ? dirname(path) : folder;
  const isFile =
    found !== undefined || (await lstat(folder).catch(({ code }) => (code === "ENOTDIR" ? true : undefined)));
  throw new UserError(
    isFile
      ? `${path} cannot be written: ${shown} is not a folder`
      : `${path} cannot be written: there is no folder ${shown}; make it first`,
  );
}

/** Where the file may be changed and its folder not, or another file system begins at the file, it is written in its place. */
const IN_PLACE: ReadonlySet<string> = new Set(["EACCES", "EPERM", "EBUSY", "EROFS", "EXDEV"]);

async function replace(target: string, data: string | Uint8Array, old: Stats | undefined): Promise<void> {
  try {
    await writeFileAtomically(target, data, old?.mode);
  } catch (error) {
    if (!old || !IN_PLACE.has((error as NodeJS.ErrnoException).code ?? "")) throw error;
    await writeInto(target, data);
  }
}

async function writeInto(path: string, data: string | Uint8Array): Promise<void> {
  const file = await open(path, "w");
  try {
    await file.writeFile(data);
  } finally {
    await file.close();
  }
}

/** `/dev/stdout` and its like: what a shell has opened for the process is written, and not the file replaced that it opened. */
function isOpenFile(path: string): boolean {
  return /^\/(dev\/(std(out|err)|fd\/\d+)|proc\/(self|\d+)\/fd\/\d+)$/.test(resolve(path));
}

const PIPE_WAIT = 10; // seconds
const PIPE_POLL = 50; // milliseconds

/** Opening a pipe waits for its reader, in a thread that nothing could end: so it is asked, for a while, whether there is one. */
async function pipe(path: string, data: string | Uint8Array): Promise<void> {
  for (let left = PIPE_WAIT * 1000; left > 0; left -= PIPE_POLL) {
    const held = await open(path, constants.O_WRONLY | constants.O_NONBLOCK).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== "ENXIO") throw error;
    });
    if (held) return await writeInto(path, data).finally(() => held.close()); // or the reader would see the pipe's end
    await sleep(PIPE_POLL);
  }
  throw new UserError(`nobody reads from the pipe ${path}; start its reader first`);
}

async function orSay<T>(path: string, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw refusal(path, error);
  }
}

function refusal(path: string, error: unknown): unknown {
  const clause = systemFault(error);
  return clause === undefined ? error : new UserError(`${path} cannot be written: ${clause}`);
}
