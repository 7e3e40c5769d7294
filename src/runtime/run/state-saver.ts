// Takes a session's state at a moment of the run and has it kept while training goes on, one state at a time.
import type { Program } from "../../compiler/program.js";
import type { Session, State } from "../engines/engine.js";
import { firstNonFinite } from "../training/first-non-finite.js";
import type { Progress } from "../training/training-progress.js";

export class StateSaver {
  private writing: Promise<unknown> = Promise.resolve();
  private failed = false;
  private kept: Progress | undefined;

  constructor(
    private readonly program: Program,
    private readonly session: Session,
    private readonly keep: ((progress: Progress, state: State) => Promise<boolean>) | undefined,
  ) {}

  /** Returns as soon as the state is copied. False, and nothing is kept, where the state holds NaN or infinity. */
  async save(progress: Progress): Promise<boolean> {
    if (!this.keep || (progress === this.kept && !this.failed)) return true;
    const state = await this.session.readState();
    if (firstNonFinite(this.program.graph, state)) return false;
    await this.settled();
    this.kept = progress;
    this.writing = this.keep(progress, state).then((isKept) => (this.failed = !isKept));
    this.writing.catch(() => {}); // reported by settled(), not as an unhandled rejection
    return true;
  }

  /** Whether the last state that was to be kept could not be. */
  get hasFailed(): boolean {
    return this.failed;
  }

  /** Resolves once the last state is kept; rejects if that failed. */
  async settled(): Promise<void> {
    await this.writing;
  }
}
