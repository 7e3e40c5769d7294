// A fault outside netc that a user can mend: the disk is full, the network is down, a file is broken. The command line
// prints its message alone, without a stack trace.

/** `sentence` says what was found and the way on; `details` are lines below it. Each is printed as one line, whatever is in it. */
export class UserError extends Error {
  override readonly name = "UserError";
  readonly lines: readonly string[];

  constructor(sentence: string, details: readonly string[] = []) {
    super([sentence, ...details].join("\n"));
    this.lines = [sentence, ...details];
  }
}
