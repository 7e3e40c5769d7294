// Pieces → the end of a file, gathered and appended in the background. A disk that fills up is reported once and costs
// what would have been appended, never the work that reports it.
import { open } from "node:fs/promises";

const FLUSH_INTERVAL = 1000; // milliseconds

export class AppendingFile {
  private pieces: Uint8Array[] = [];
  private writing: Promise<void> = Promise.resolve();
  private timer: NodeJS.Timeout | undefined;
  private hasFailed = false;

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

  private async write(data: Uint8Array): Promise<void> {
    try {
      const file = await open(this.path, "a");
      try {
        await file.writeFile(data);
        await file.datasync();
      } finally {
        await file.close();
      }
    } catch (error) {
      if (!this.hasFailed) this.onFailure((error as Error).message);
      this.hasFailed = true;
    }
  }
}
