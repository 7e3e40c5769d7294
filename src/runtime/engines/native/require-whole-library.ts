// Whether a shared library is there in full. The loader maps a file that was cut short (a download or a disk that ended early)
// and the process dies when it reaches beyond the end, before anything can be said.
import { closeSync, readSync, statSync } from "node:fs";
import { openPlainFileSync } from "../../files/read-plain-file.js";

/** Refuses a library that is cut short, of the 64-bit, little-endian files that Linux loads; /usr/include/elf.h has the places. Others are left to the loader. */
export function requireWholeLibrary(file: string): void {
  const { size } = statSync(file, { throwIfNoEntry: false }) ?? {};
  if (size === undefined) return; // a name that the loader looks for
  const descriptor = openPlainFileSync(file);
  try {
    const header = read(descriptor, 0, 64);
    const isElf64 = header.length === 64 && header.readUInt32BE(0) === ELF && header.readUInt16BE(4) === LITTLE_64_BIT;
    if (!isElf64) return;
    const [first, entry, count] = [
      Number(header.readBigUInt64LE(32)),
      header.readUInt16LE(54),
      header.readUInt16LE(56),
    ];
    const segments = read(descriptor, first, entry * count);
    const ends = Array.from({ length: Math.floor(segments.length / entry) }, (_, index) => {
      const segment = segments.subarray(index * entry);
      return Number(segment.readBigUInt64LE(8)) + Number(segment.readBigUInt64LE(32)); // offset and size in the file
    });
    const expected = Math.max(first + entry * count, ...ends);
    if (size < expected) throw new Error(`it is truncated: ${size} bytes of at least ${expected}`);
  } finally {
    closeSync(descriptor);
  }
}

/** "\x7fELF" */
const ELF = 0x7f454c46;
/** ELFCLASS64, ELFDATA2LSB */
const LITTLE_64_BIT = 0x0201;

function read(descriptor: number, position: number, length: number): Buffer {
  const bytes = Buffer.alloc(length);
  return bytes.subarray(0, readSync(descriptor, bytes, 0, length, position));
}
