// Pieces → the end of a file, gathered and appended in the background. A disk that fills up is reported, never costs the
// work that reports it, and what it did not take is kept and appended once it does.
import { open } from "node:fs/promises";

const FLUSH_INTERVAL = 1000; // milliseconds
/** More than a day's events: what a disk that stays full may take of the memory. */
const MOST_UNWRITTEN = 64 * 1024 * 1024;

export class AppendingFile {
  private pieces: Uint8Array[] = [];
  private writing: Promise<void> = Promise.resolve();
  private timer: NodeJS.Timeout | undefined;
  private hasFailed = false;
  /** What could not be written: it goes first the next time. */
  private unwritten = Buffer.alloc(0);
  /** How long the file was before the write that failed. */
  private wholeBytes: number | undefined;

  constructor(
    private readonly path: string,
    private readonly onFailure: (reason: string) => void,
  ) {}

  append(piece: string | Uint8Array): void {
    this.pieces.push(typeof piece === "string" ? Buffer.from(piece) : piece);
    this.timer ??= setTimeout(() => void this.flush(), FLUSH_INTERVAL);
  }

  /** Resolves once everything appended so far is on the disk. */
  async flush(): Promise<void> {
    clearTimeout(this.timer);
    this.timer = undefined;
    const data = Buffer.concat(this.pieces);
    this.pieces = [];
    if (data.length > 0) this.writing = this.writing.then(() => this.write(data));
    await this.writing;
  }

  /** Forgets what was appended and is not written yet. */
  discard(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    this.pieces = [];
  }

  private async write(data: Uint8Array): Promise<void> {
    const all = Buffer.concat([this.unwritten, data]);
    try {
      const file = await open(this.path, "a");
      try {
        if (this.wholeBytes !== undefined) await file.truncate(this.wholeBytes); // a piece of what did not fit
        this.wholeBytes = (await file.stat()).size;
        await file.writeFile(all);
        await file.datasync();
      } finally {
        await file.close();
      }
      this.unwritten = Buffer.alloc(0);
      this.wholeBytes = undefined;
      this.hasFailed = false;
    } catch (error) {
      this.unwritten = all.length <= MOST_UNWRITTEN ? all : Buffer.alloc(0);
      if (!this.hasFailed) this.onFailure((error as Error).message);
      this.hasFailed = true;
    }
  }
}
