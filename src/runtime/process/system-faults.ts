// What the operating system refuses with → a clause for people. Any read or write can meet these, wherever it is made.

const NO_MEMORY =
  "the system gives this process no more memory; free some, or raise its limit: a limit on addresses (`ulimit -v`) must leave " +
  "room for the 10 GiB that WebAssembly reserves";

const CLAUSES: Readonly<Record<string, string>> = {
  ENOSPC: "the disk is full",
  EDQUOT: "the disk quota is used up",
  EFBIG: "the system's limit on the size of files is reached (`ulimit -f`)",
  EROFS: "the file system is read-only",
  EACCES: "permission is refused",
  EPERM: "permission is refused",
  ERR_ACCESS_DENIED: "Node was started with its permission model, which does not allow it",
  EMFILE: "too many files are open for this process (`ulimit -n`)",
  ENFILE: "too many files are open on this machine",
  EIO: "the disk reports an error",
  ESTALE: "the network drive no longer knows the file",
  ELOOP: "the links form a cycle",
  ENAMETOOLONG: "the name is too long",
  EBUSY: "another program uses the file",
  ETXTBSY: "another program uses the file",
  ENOENT: "the file, or a folder on the way to it, is not there",
  EEXIST: "something is in its place already",
  EISDIR: "a folder is in its place",
  ENOTEMPTY: "a folder that is not empty is in its place",
  ENOTDIR: "a part of the path is a file, not a folder",
  ENXIO: "nobody is at the other end",
  EPIPE: "nobody reads it any more",
  ENOMEM: NO_MEMORY,
  EAGAIN: "the system gives this process no more threads or memory (`ulimit -u`)",
};

/** What Node and V8 say where memory or a thread is refused, which has no code of the system's. */
const REFUSED_MEMORY = /could not allocate memory|allocation failed|out of memory|cannot allocate memory/i;
const REFUSED_THREADS: ReadonlySet<string> = new Set(["ERR_WORKER_INIT_FAILED", "ERR_WORKER_OUT_OF_MEMORY"]);

/** Undefined where the fault is none of the system's that a user knows by name. */
export function systemFault(error: unknown): string | undefined {
  const { code = "", message = "", syscall } = (error ?? {}) as NodeJS.ErrnoException;
  if (syscall === "uv_cwd") return "the folder that you are in is not there any more; change to another one";
  if (Object.hasOwn(CLAUSES, code)) return CLAUSES[code];
  if (REFUSED_THREADS.has(code)) return CLAUSES["EAGAIN"];
  return error instanceof Error && REFUSED_MEMORY.test(message) ? NO_MEMORY : undefined;
}
