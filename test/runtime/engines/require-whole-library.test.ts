import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { requireWholeLibrary } from "../../../src/runtime/engines/native/require-whole-library.js";
import { temporaryFolder } from "../../support/temporary-folder.js";

/** An ELF header of 64 bytes, one segment of 56 that begins at its own place, and what that segment holds. */
function library(): Buffer {
  const bytes = Buffer.alloc(200);
  bytes.write("\x7fELF\x02\x01", "latin1");
  bytes.writeBigUInt64LE(64n, 32); // where segments are described
  bytes.writeUInt16LE(56, 54); // bytes of a description
  bytes.writeUInt16LE(1, 56);
  bytes.writeBigUInt64LE(0n, 64 + 8);
  bytes.writeBigUInt64LE(200n, 64 + 32);
  return bytes;
}

describe("requireWholeLibrary", () => {
  it.each([
    [200, undefined],
    [199, "it is truncated: 199 bytes of at least 200"],
    [100, "it is truncated: 100 bytes of at least 120"],
  ])("sees from %i of 200 bytes whether all are there", async (length, fault) => {
    const file = join(await temporaryFolder(), "libexample.so");
    writeFileSync(file, library().subarray(0, length));
    if (fault === undefined) expect(() => requireWholeLibrary(file)).not.toThrow();
    else expect(() => requireWholeLibrary(file)).toThrow(fault);
  });

  it("leaves to the loader what is no such library, and names that are no files", async () => {
    const file = join(await temporaryFolder(), "libexample.so");
    writeFileSync(file, "no library at all");
    expect(() => requireWholeLibrary(file)).not.toThrow();
    expect(() => requireWholeLibrary("libdnnl.so.2")).not.toThrow();
  });

  it("takes the program that runs this test, which is whole", () => {
    expect(() => requireWholeLibrary(process.execPath)).not.toThrow();
  });
});
