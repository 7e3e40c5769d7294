// A file → its SHA-256, read piece by piece.
import { createHash } from "node:crypto";
import type { ByteSource } from "./formats/byte-source.js";
import { openByteSource } from "./formats/byte-source.js";

const PIECE_BYTES = 4 * 1024 * 1024;

/** 64 hexadecimal digits. */
export async function sha256OfFile(path: string): Promise<string> {
  const source: ByteSource = await openByteSource(path);
  try {
    const hash = createHash("sha256");
    for (let at = 0; at < source.size; at += PIECE_BYTES) {
      hash.update(await source.read(at, Math.min(PIECE_BYTES, source.size - at)));
    }
    return hash.digest("hex");
  } finally {
    await source.close();
  }
}
