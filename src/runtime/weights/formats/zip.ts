// A zip file → where its entries lie, from its central directory: torch.save leaves the sizes in the local headers empty.
// Entries are stored as they are, so nothing is ever unpacked.
import type { ByteSource } from "./byte-source.js";
import { isWithin, UnreadableWeights } from "./byte-source.js";

export interface ZipEntry {
  readonly name: string;
  readonly size: number;
  /** Of its local header. */
  readonly header: number;
}

const END_BYTES = 22;
const LONGEST_COMMENT = 0xffff;
const LOCATOR_BYTES = 20;
const END64_BYTES = 56;
const ENTRY_BYTES = 46;
const LOCAL_BYTES = 30;
/** Of the directory: an entry takes about four times its bytes in memory, and a storage is larger than its entry. */
const DIRECTORY = { least: 1024 * 1024, shareOfFile: 1 / 4 };
const SIGNATURE = { end: 0x06054b50, locator: 0x07064b50, end64: 0x06064b50, entry: 0x02014b50, local: 0x04034b50 };

/** PKWARE's APPNOTE 6.3.10, sections 4.3 and 4.5.3. */
export async function zipEntries(source: ByteSource): Promise<Map<string, ZipEntry>> {
  const { at, length, count } = await findDirectory(source);
  if (
    length > DIRECTORY.least + source.size * DIRECTORY.shareOfFile ||
    count * ENTRY_BYTES > length ||
    !isWithin(source.size, at, length)
  ) {
    throw damaged("its directory is not where it says, or too large");
  }
  const bytes = await source.read(at, length);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const entries = new Map<string, ZipEntry>();
  let place = 0;
  for (let index = 0; index < count; index++) {
    if (place + ENTRY_BYTES > length || view.getUint32(place, true) !== SIGNATURE.entry) {
      throw damaged("its directory ends early");
    }
    const [names, extras, comments] = [28, 30, 32].map((offset) => view.getUint16(place + offset, true)) as [
      number,
      number,
      number,
    ];
    const end = place + ENTRY_BYTES + names + extras + comments;
    if (end > length) throw damaged("its directory ends early");
    const name = new TextDecoder().decode(bytes.subarray(place + ENTRY_BYTES, place + ENTRY_BYTES + names));
    const [flags, method] = [view.getUint16(place + 8, true), view.getUint16(place + 10, true)];
    const written = {
      size: view.getUint32(place + 24, true),
      packed: view.getUint32(place + 20, true),
      header: view.getUint32(place + 42, true),
    };
    const extra = view.byteOffset + place + ENTRY_BYTES + names;
    const { size, packed, header } = withLargeNumbers(written, new DataView(view.buffer, extra, extras));
    if (method !== 0 || (flags & 1) !== 0 || packed !== size) {
      throw new UnreadableWeights(
        `holds ${JSON.stringify(name.slice(0, 100))} compressed or encrypted, which torch.save never does; load and save it again with PyTorch`,
      );
    }
    if (entries.has(name)) throw damaged("its directory names an entry twice");
    if (!isWithin(at, header, LOCAL_BYTES + size)) throw damaged("an entry lies outside of it");
    entries.set(name, { name, size, header });
    place = end;
  }
  return entries;
}

/** Where the entry's bytes begin. */
export async function contentStart(source: ByteSource, { header, size }: ZipEntry): Promise<number> {
  const bytes = await source.read(header, LOCAL_BYTES);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  if (view.getUint32(0, true) !== SIGNATURE.local) throw damaged("an entry does not begin where it should");
  const start = header + LOCAL_BYTES + view.getUint16(26, true) + view.getUint16(28, true);
  if (!isWithin(source.size, start, size)) throw damaged("an entry goes on beyond its end");
  return start;
}

async function findDirectory(source: ByteSource): Promise<{ at: number; length: number; count: number }> {
  const tailLength = Math.min(source.size, END_BYTES + LONGEST_COMMENT);
  const tail = await source.read(source.size - tailLength, tailLength);
  const view = new DataView(tail.buffer, tail.byteOffset, tail.length);
  let end = tailLength - END_BYTES;
  while (end >= 0 && view.getUint32(end, true) !== SIGNATURE.end) end--;
  if (end < 0) throw damaged("its directory is missing, as where only a part of it was fetched");
  const found = {
    count: view.getUint16(end + 10, true),
    length: view.getUint32(end + 12, true),
    at: view.getUint32(end + 16, true),
  };
  const isLarge = found.count === 0xffff || found.length === 0xffff_ffff || found.at === 0xffff_ffff;
  const locator = end - LOCATOR_BYTES;
  if (!isLarge) return found;
  if (locator < 0 || view.getUint32(locator, true) !== SIGNATURE.locator) throw damaged("its directory is missing");
  const bytes = await source.read(Number(view.getBigUint64(locator + 8, true)), END64_BYTES);
  const large = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  if (large.getUint32(0, true) !== SIGNATURE.end64) throw damaged("its directory is missing");
  return {
    count: Number(large.getBigUint64(32, true)),
    length: Number(large.getBigUint64(40, true)),
    at: Number(large.getBigUint64(48, true)),
  };
}

const ZIP64_FIELD = 1;

/** Numbers that do not fit into their 32 bits stand in an extra field, in this order. */
function withLargeNumbers<Numbers extends Readonly<Record<"size" | "packed" | "header", number>>>(
  written: Numbers,
  extra: DataView,
): { readonly size: number; readonly packed: number; readonly header: number } {
  const numbers = { ...written } as { size: number; packed: number; header: number };
  const missing = (["size", "packed", "header"] as const).filter((name) => numbers[name] === 0xffff_ffff);
  if (missing.length === 0) return numbers;
  for (let at = 0; at + 4 <= extra.byteLength; at += 4 + extra.getUint16(at + 2, true)) {
    if (extra.getUint16(at, true) !== ZIP64_FIELD) continue;
    missing.forEach((name, index) => {
      const place = at + 4 + 8 * index;
      if (place + 8 > extra.byteLength) throw damaged("an entry's size is missing");
      numbers[name] = Number(extra.getBigUint64(place, true));
    });
    return numbers;
  }
  throw damaged("an entry's size is missing");
}

function damaged(reason: string): UnreadableWeights {
  return new UnreadableWeights(`is a damaged zip file: ${reason}`);
}
