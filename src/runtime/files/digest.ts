// SHA-256 and random names. Loading node:crypto takes some milliseconds, which a command that needs neither does not spend.
import type * as Crypto from "node:crypto";
import { createRequire } from "node:module";
import { setImmediate as nextTurn } from "node:timers/promises";

let loaded: typeof Crypto | undefined;

function crypto(): typeof Crypto {
  return (loaded ??= createRequire(import.meta.url)("node:crypto") as typeof Crypto);
}

/** 64 hexadecimal digits. */
export function sha256Of(content: string | Uint8Array): string {
  return crypto().createHash("sha256").update(content).digest("hex");
}

/** The same of several pieces together, however large they are, while others get their turns. */
export async function sha256OfPieces(pieces: Iterable<Uint8Array>): Promise<string> {
  const hash = crypto().createHash("sha256");
  for (const piece of pieces) {
    for (const slice of slices(piece)) {
      hash.update(slice);
      await nextTurn();
    }
  }
  return hash.digest("hex");
}

const SLICE_BYTES = 1 << 20; // hashed in about a millisecond

/** Parts of a large piece between which others can have their turn; a hash takes no more than 2 GiB at once. */
export function slices(piece: Uint8Array): Uint8Array[] {
  const count = Math.ceil(piece.length / SLICE_BYTES);
  return Array.from({ length: count }, (_, index) => piece.subarray(index * SLICE_BYTES, (index + 1) * SLICE_BYTES));
}

/** Two hexadecimal digits a byte. */
export function randomHex(bytes: number): string {
  return crypto().randomBytes(bytes).toString("hex");
}
