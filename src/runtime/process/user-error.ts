// A fault outside netc that a user can mend: the disk is full, the network is down, a file is broken. The command line
// prints its message alone, without a stack trace.

/** `message` is one sentence that says what was found and the way on. */
export class UserError extends Error {
  override readonly name = "UserError";
}
