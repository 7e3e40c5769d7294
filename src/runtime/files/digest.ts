// SHA-256 and random names. Loading node:crypto takes some milliseconds, which a command that needs neither does not spend.
import type * as Crypto from "node:crypto";
import { createRequire } from "node:module";

let loaded: typeof Crypto | undefined;

function crypto(): typeof Crypto {
  return (loaded ??= createRequire(import.meta.url)("node:crypto") as typeof Crypto);
}

/** 64 hexadecimal digits. */
export function sha256Of(content: string | Uint8Array): string {
  return crypto().createHash("sha256").update(content).digest("hex");
}

/** Two hexadecimal digits a byte. */
export function randomHex(bytes: number): string {
  return crypto().randomBytes(bytes).toString("hex");
}
