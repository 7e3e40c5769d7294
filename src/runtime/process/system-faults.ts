// What the operating system refuses with → a clause for people. Any read or write can meet these, wherever it is made.

const CLAUSES: Readonly<Record<string, string>> = {
  ENOSPC: "the disk is full",
  EDQUOT: "the disk quota is used up",
  EFBIG: "the system's limit on the size of files is reached (`ulimit -f`)",
  EROFS: "the file system is read-only",
  EACCES: "permission is refused",
  EPERM: "permission is refused",
  EMFILE: "too many files are open for this process (`ulimit -n`)",
  ENFILE: "too many files are open on this machine",
  EIO: "the disk reports an error",
  ESTALE: "the network drive no longer knows the file",
  ELOOP: "links lead in a circle",
  ENAMETOOLONG: "the name is too long",
  EBUSY: "another program uses the file",
  ETXTBSY: "another program uses the file",
  ENOTDIR: "a part of the path is a file, not a folder",
  ENXIO: "nobody is at the other end",
  EPIPE: "nobody reads it any more",
  ENOMEM: "the system gives this process no more memory",
  EAGAIN: "the system gives this process no more threads or memory (`ulimit -u`)",
};

/** Undefined where the fault is none of the system's that a user knows by name. */
export function systemFault(error: unknown): string | undefined {
  const { code = "" } = (error ?? {}) as NodeJS.ErrnoException;
  return Object.hasOwn(CLAUSES, code) ? CLAUSES[code] : undefined;
}
