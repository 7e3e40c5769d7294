// A file, or bytes in memory → its parts, read one at a time: weights are larger than what is wanted of them at once.
import { openPlainFile } from "../../files/read-plain-file.js";

export interface ByteSource {
  readonly size: number;
  /** Exactly so many bytes. @throws UnreadableWeights where they are not all within the source. */
  read(at: number, length: number): Promise<Uint8Array>;
  close(): Promise<void>;
}

/** Why weights cannot be read, as what follows the file's name: "is damaged: its directory ends early". */
export class UnreadableWeights extends Error {
  override readonly name = "UnreadableWeights";
}

/** The caller closes it. */
export async function openByteSource(path: string): Promise<ByteSource> {
  const file = await openPlainFile(path);
  const { size } = await file.stat();
  return {
    size,
    async read(at, length) {
      requireWithin(size, at, length);
      const bytes = new Uint8Array(length);
      for (let done = 0; done < length;) {
        const { bytesRead } = await file.read(bytes, done, Math.min(length - done, MOST_AT_ONCE), at + done);
        if (bytesRead === 0) throw new UnreadableWeights("became shorter while it was read");
        done += bytesRead;
      }
      return bytes;
    },
    close: () => file.close(),
  };
}

const MOST_AT_ONCE = 2 ** 30; // a single read takes less than 2 GiB

export function sourceOf(bytes: Uint8Array): ByteSource {
  return {
    size: bytes.length,
    async read(at, length) {
      requireWithin(bytes.length, at, length);
      return bytes.subarray(at, at + length);
    },
    close: async () => {},
  };
}

function requireWithin(size: number, at: number, length: number): void {
  if (isWithin(size, at, length)) return;
  throw new UnreadableWeights(`is damaged, or only a part of a file: it is ${size} bytes long and names others beyond`);
}

/** Whether a part that a file names lies in it; what a file names may be any number. */
export function isWithin(size: number, at: number, length: number): boolean {
  return Number.isSafeInteger(at) && Number.isSafeInteger(length) && at >= 0 && length >= 0 && at + length <= size;
}
