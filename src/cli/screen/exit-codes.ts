// What the process says when it ends; scripts rely on these.
export const exitCodes = {
  done: 0,
  /** The file, the data or the machine has a fault that the user can mend; it has been said. */
  inputHasErrors: 1,
  wrongUsage: 2,
  /** sysexits.h, EX_SOFTWARE: a fault of netc's own. */
  bugInNetc: 70,
  /** 128 + SIGINT, as shells have it; also of a run that SIGTERM, SIGHUP or a closed output ended. */
  interrupted: 130,
  /** 128 + SIGPIPE: what a program that Node's runtime does not keep from that signal ends with. */
  nobodyReads: 141,
} as const;

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];
