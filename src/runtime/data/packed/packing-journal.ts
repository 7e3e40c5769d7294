// A file of decoded images while it is written, and the journal beside it: a line for each part that is surely on the disk,
// so that who comes after a process that was killed goes on behind it.
import type { Hash } from "node:crypto";
import { createHash } from "node:crypto";
import type { FileHandle } from "node:fs/promises";
import { open, rm, truncate } from "node:fs/promises";
import { jsonIn } from "../../files/parse-json.js";
import { textIfThere } from "../../files/if-there.js";
import type { BrokenFile } from "../images/broken-images.js";
import { WRITTEN_TOGETHER } from "../images/decoding-memory.js";

export function journalOf(file: string): string {
  return `${file}.journal`;
}

/** A line of the journal. Bytes, and the digest of them, are from the beginning of the file on; broken pictures since the line before. */
interface Entry {
  readonly done: number;
  readonly bytes: number;
  readonly sha256: string;
  readonly broken: readonly BrokenFile[];
}

/** Between two lines: what may have to be decoded again. */
const MILLISECONDS = 2000;

export class PackingJournal {
  private readonly waiting: Uint8Array[] = [];
  private waitingBytes = 0;
  private fresh: BrokenFile[] = [];
  private writtenAt = performance.now();

  private constructor(
    private readonly file: string,
    private readonly handle: FileHandle,
    private readonly lines: FileHandle,
    private readonly hash: Hash,
    private bytes: number,
    private readonly broken: BrokenFile[],
    /** Pictures that were added, here or by processes before. */
    public done: number,
  ) {}

  /** Goes on where the journal beside the file is that of `count` pictures or fewer, and the file holds what it says. */
  static async open(file: string, count: number): Promise<PackingJournal> {
    const { entries, length } = entriesIn((await textIfThere(journalOf(file))) ?? "");
    const last = entries.at(-1);
    if (last && last.done <= count) {
      const handle = await open(file, "r+").catch(() => undefined);
      const hash = handle && (await hashOf(handle, last.bytes));
      if (handle && hash?.copy().digest("hex") === last.sha256) {
        await handle.truncate(last.bytes);
        const broken = entries.flatMap((entry) => entry.broken);
        await truncate(journalOf(file), length); // half of a line may be behind it
        const lines = await open(journalOf(file), "a");
        return new PackingJournal(file, handle, lines, hash, last.bytes, broken, last.done);
      }
      await handle?.close();
    }
    const handle = await open(file, "w");
    const lines = await open(journalOf(file), "w");
    return new PackingJournal(file, handle, lines, createHash("sha256"), 0, [], 0);
  }

  /** The next picture: its pixels, or why there are none. */
  async add(picture: Uint8Array | BrokenFile): Promise<void> {
    this.done++;
    if (picture instanceof Uint8Array) {
      this.waiting.push(picture);
      this.waitingBytes += picture.length;
    } else {
      this.fresh.push(picture);
      this.broken.push(picture);
    }
    if (this.waitingBytes >= WRITTEN_TOGETHER) await this.writePixels();
    if (performance.now() - this.writtenAt > MILLISECONDS) await this.note();
  }

  /** Ends the file with its digest; gives the pictures that are not in it. The journal stays until the file has its name. */
  async finish(): Promise<BrokenFile[]> {
    await this.note();
    await writeAll(this.handle, this.hash.copy().digest(), this.bytes);
    await this.handle.sync();
    await this.close();
    return this.broken;
  }

  /** `isKept`: to be gone on with; removed otherwise. */
  async leave(isKept: boolean): Promise<void> {
    try {
      if (isKept) await this.note();
    } finally {
      await this.close();
      if (!isKept) await Promise.all([this.file, journalOf(this.file)].map((path) => rm(path, { force: true })));
    }
  }

  private async writePixels(): Promise<void> {
    const pixels = Buffer.concat(this.waiting.splice(0));
    this.waitingBytes = 0;
    this.hash.update(pixels);
    await writeAll(this.handle, pixels, this.bytes);
    this.bytes += pixels.length;
  }

  private async note(): Promise<void> {
    await this.writePixels();
    await this.handle.datasync();
    const sha256 = this.hash.copy().digest("hex");
    await this.write({ done: this.done, bytes: this.bytes, sha256, broken: this.fresh });
    this.fresh = [];
    this.writtenAt = performance.now();
  }

  private async write(entry: Entry): Promise<void> {
    await this.lines.appendFile(JSON.stringify(entry) + "\n");
    await this.lines.datasync();
  }

  private async close(): Promise<void> {
    await this.handle.close().catch(() => undefined);
    await this.lines.close().catch(() => undefined);
  }
}

/** Those that were written whole, and the bytes that they take. */
function entriesIn(text: string): { entries: Entry[]; length: number } {
  const entries: Entry[] = [];
  let length = 0;
  for (const line of text.split("\n").slice(0, -1)) {
    const entry = jsonIn(line) as Entry | undefined;
    if (typeof entry?.done !== "number" || !Array.isArray(entry.broken)) break;
    entries.push(entry);
    length += Buffer.byteLength(line) + 1;
  }
  return { entries, length };
}

/** Of the first bytes; undefined where there are fewer. */
async function hashOf(handle: FileHandle, bytes: number): Promise<Hash | undefined> {
  const hash = createHash("sha256");
  const piece = Buffer.alloc(1 << 20);
  for (let at = 0; at < bytes;) {
    const { bytesRead } = await handle.read(piece, 0, Math.min(piece.length, bytes - at), at);
    if (bytesRead === 0) return undefined;
    hash.update(piece.subarray(0, bytesRead));
    at += bytesRead;
  }
  return hash;
}

async function writeAll(handle: FileHandle, data: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < data.length;) {
    const { bytesWritten } = await handle.write(data, done, data.length - done, position + done);
    done += bytesWritten;
  }
}
