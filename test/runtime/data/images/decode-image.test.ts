import { readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { deflateSync } from "node:zlib";
import type { Sharp } from "sharp";
import sharp from "sharp";
import { describe, expect, it, vi } from "vitest";
import { decodeImage, readPicture } from "../../../../src/runtime/data/images/decode-image.js";
import type { DecodedSize } from "../../../../src/runtime/data/images/decoding-memory.js";
import { ByteBudget, MOST_DECODING_BYTES, decodingBytes } from "../../../../src/runtime/data/images/decoding-memory.js";
import { fitImage, fitting, middleOf } from "../../../../src/runtime/data/images/fit-image.js";
import { noise } from "../../../support/noise.js";
import { temporaryFolder } from "../../../support/temporary-folder.js";
import { plainFit } from "../../../support/plain-fit.js";

// Strips of 4 KiB, so that small pictures come in several, as large ones do.
vi.mock("../../../../src/runtime/data/images/decoding-memory.js", async (original) => ({
  ...(await original<object>()),
  STRIP_BYTES: 4096,
}));

interface Case {
  readonly name: string;
  readonly file: string;
  readonly pixels: string;
}

const modes = JSON.parse(
  readFileSync(new URL("../../../oracle/pillow/modes.json", import.meta.url), "utf8"),
) as readonly Case[];
const bytesOf = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, "base64"));

const photo = (height: number, width: number): Sharp =>
  sharp(noise(height * width * 3, 1, 1), { raw: { height, width, channels: 3 } });

describe("decodeImage", () => {
  it.each(modes)("makes of $name what Pillow does", async ({ file, pixels }) => {
    const decoded = await decodeImage(bytesOf(file), 3);
    expect([decoded.height, decoded.width]).toEqual([8, 8]);
    expect([...decoded.pixels]).toEqual([...bytesOf(pixels)]);
  });

  it.each([1, 2, 3, 4, 5, 6, 7, 8])(
    "turns a picture of Exif orientation %i upright, strip by strip",
    async (orientation) => {
      const file = await photo(70, 90).withMetadata({ orientation }).png().toBuffer();
      const { data, info } = await sharp(file).autoOrient().raw().toBuffer({ resolveWithObject: true });
      const { height, width, pixels } = await decodeImage(file, 3);
      expect([height, width]).toEqual([info.height, info.width]);
      expect(Buffer.from(pixels).equals(data)).toBe(true);
      const size = { height: 24, width: 24 };
      const fitted = await readPicture(file, 3, fitting(plainFit(size), 3));
      expect(fitted).toEqual(fitImage({ height, width, channels: 3, pixels }, plainFit(size)));
    },
  );

  it("gives grey pictures in colour as three equal channels, and colours in grey as Pillow does", async () => {
    const grey = await sharp(noise(64 * 64, 1, 1).subarray(0, 4096), { raw: { height: 64, width: 64, channels: 1 } })
      .png()
      .toBuffer();
    const [one, three] = [await decodeImage(grey, 1), await decodeImage(grey, 3)];
    expect([...three.pixels.filter((_, at) => at % 3 === 2)]).toEqual([...one.pixels]);
    const size = { height: 16, width: 16 };
    expect(await readPicture(grey, 3, fitting(plainFit(size), 3))).toEqual(fitImage(three, plainFit(size)));
    const red = await decodeImage(
      await sharp({ create: { ...size, channels: 3, background: "#f00" } })
        .png()
        .toBuffer(),
      1,
    );
    expect(red.pixels[0]).toBe(76); // 0.299 · 255
  });

  const kinds: readonly (readonly [start: string, says: RegExp])[] = [
    ["\0\0\0\u0018ftypheic", /^is a HEIC picture, expected PNG, .*; convert it to JPEG with `heif-convert`/],
    ["BM\0\0\0\0", /^is a BMP picture, expected .*; convert it to JPEG or PNG$/],
    ["<svg xmlns='http://www.w3.org/2000/svg'/>", /^is not a PNG, JPEG, WebP, GIF, TIFF or AVIF picture$/],
    ["", /^is not a PNG/],
  ];
  it.each(kinds)("names the kind of what begins with %j", async (start, says) => {
    await expect(decodeImage(Buffer.from(start.padEnd(64, "\0"), "latin1"), 3)).rejects.toThrow(says);
  });

  it("reads AVIF, and refuses samples that are no bytes and no words", async () => {
    const { pixels } = await decodeImage(await photo(32, 32).avif({ quality: 100 }).toBuffer(), 3);
    expect(pixels).toHaveLength(32 * 32 * 3);
    await expect(decodeImage(floatTiff(), 3)).rejects.toThrow(
      /^has samples of the kind float; 8 and 16 bits are read$/,
    );
  });

  it("refuses more pixels than it reads before it decodes one", async () => {
    await expect(decodeImage(pngOf(17_000, 17_000), 3)).rejects.toThrow("has 289 megapixels, and at most 268 are read");
  });

  it("says what decoding would take where that is more than there is for it", async () => {
    await expect(decodeImage(pngOf(16_000, 16_000, 1), 3)).rejects.toThrow(
      /^takes \d+ MiB to decode \(PNG of 256 megapixels\), and at most 256 MiB are allowed; save it smaller$/,
    );
  });

  it("takes a JPEG of one component a scan for what it is: as large to decode as a progressive one", async () => {
    const file = Buffer.from(await photo(32, 32).jpeg({ progressive: false }).toBuffer());
    const frame = file.indexOf(Buffer.from([0xff, 0xc0]));
    const scan = file.indexOf(Buffer.from([0xff, 0xda]));
    file.writeUInt16BE(12_000, frame + 5);
    file.writeUInt16BE(12_000, frame + 7);
    const oneOfThree = Buffer.concat([
      file.subarray(0, scan),
      Buffer.from([0xff, 0xda, 0, 8, 1, 1, 0, 0, 63, 0]),
      file.subarray(scan + 14),
    ]);
    await expect(decodeImage(oneOfThree, 1)).rejects.toThrow(
      /^takes \d+ MiB to decode \(progressive or multi-scan JPEG/,
    );
  });

  it("names what is not there, and a folder and a pipe without waiting for it", async () => {
    const folder = await temporaryFolder();
    await expect(decodeImage(join(folder, "x.png"), 3)).rejects.toThrow(/^is not there$/);
    await expect(decodeImage(folder, 3)).rejects.toThrow(/^is a folder, expected a file$/);
  });

  it("finds a picture cut off even where what is kept of it is whole", async () => {
    const whole = await photo(200, 20).png().toBuffer();
    const file = join(await temporaryFolder(), "x.png");
    await writeFile(file, whole.subarray(0, whole.length - 400));
    await expect(readPicture(file, 3, fitting(plainFit({ height: 8, width: 8 }), 3))).rejects.toThrow(
      /^is truncated or damaged$/,
    );
  });
});

describe("a picture that is very long", () => {
  it("is cut to its middle, so that nothing large is made of it", async () => {
    const size = { height: 224, width: 224 };
    const long = Uint8Array.from({ length: 30_001 * 3 }, (_, at) => (Math.floor(at / 3) === 15_000 ? 200 : 0));
    const file = await sharp(long, { raw: { height: 1, width: 30_001, channels: 3 } })
      .png()
      .toBuffer();
    const pixels = await readPicture(file, 3, fitting(plainFit(size), 3));
    expect(pixels).toHaveLength(224 * 224 * 3);
    // The one light pixel is the middle one, as wide as the picture is high
    expect(pixels[(100 * 224 + 112) * 3]).toBeGreaterThan(190);
    expect(pixels[0]).toBeLessThan(110);
    const tall = await sharp(file).rotate(90).png().toBuffer();
    const turned = await readPicture(tall, 3, fitting(plainFit(size), 3));
    expect(turned[(112 * 224 + 100) * 3]).toBe(pixels[(100 * 224 + 112) * 3]);
  });

  it.each([
    [30_000, 1, { top: 0, left: 14_968, height: 1, width: 64 }],
    [30_001, 1, { top: 0, left: 14_968, height: 1, width: 65 }],
    [640, 10, { top: 0, left: 0, height: 10, width: 640 }],
  ])("keeps of %i×%i pixels the middle", (width, height, middle) => {
    expect(middleOf({ height, width })).toEqual(middle);
  });
});

describe("the memory of decoding", () => {
  const photoOf = (parts: Partial<DecodedSize>): DecodedSize => ({
    format: "jpeg",
    height: 4000,
    width: 6000,
    channels: 3,
    bytesPerSample: 1,
    isProgressive: false,
    hasQuarterColors: true,
    ...parts,
  });
  const none = { fileBytes: 0, stripBytes: 0, stripCopies: 1, resultBytes: 0 };

  it("is told from a header: rows of most pictures, all coefficients of a progressive JPEG, whole frames of AVIF", () => {
    expect(decodingBytes(photoOf({}), none)).toBeLessThan(16e6);
    expect(decodingBytes(photoOf({ isProgressive: true }), none)).toBeGreaterThan(24e6 * 3);
    expect(decodingBytes(photoOf({ isProgressive: true, hasQuarterColors: false }), none)).toBeGreaterThan(24e6 * 6);
    expect(decodingBytes(photoOf({ format: "avif" }), none)).toBeGreaterThan(MOST_DECODING_BYTES);
  });

  it("is shared: who asks for more than is left waits, and nobody overtakes", async () => {
    const budget = new ByteBudget(10);
    const order: number[] = [];
    const take = async (bytes: number): Promise<void> => {
      await budget.take(bytes);
      order.push(bytes);
    };
    await take(6);
    const others = Promise.all([take(7), take(3)]);
    await Promise.resolve();
    expect(order).toEqual([6]);
    budget.give(6);
    await others;
    expect(order).toEqual([6, 7, 3]);
  });
});

/** Two pixels of 32-bit floats: a header, a directory of nine entries, the pixels. */
function floatTiff(): Uint8Array {
  const short = (tag: number, value: number): readonly number[] => [tag, 3, 1, value];
  const entries = [
    short(256, 2),
    short(257, 1),
    short(258, 32),
    short(259, 1),
    short(262, 1),
    [273, 4, 1, 8 + 2 + 9 * 12 + 4],
    short(278, 1),
    [279, 4, 1, 8],
    short(339, 3),
  ];
  const bytes = Buffer.alloc(8 + 2 + entries.length * 12 + 4 + 8);
  bytes.write("II*\0", "latin1");
  bytes.writeUInt32LE(8, 4);
  bytes.writeUInt16LE(entries.length, 8);
  for (const [index, [tag, type, count, value]] of entries.entries()) {
    bytes.writeUInt16LE(tag!, 10 + index * 12);
    bytes.writeUInt16LE(type!, 12 + index * 12);
    bytes.writeUInt32LE(count!, 14 + index * 12);
    bytes.writeUInt32LE(value!, 18 + index * 12);
  }
  return bytes;
}

/** A PNG whose header says that it is so large; of its pixels there are only some. */
function pngOf(width: number, height: number, interlace = 0): Uint8Array {
  const chunk = (name: string, data: Uint8Array): Uint8Array => {
    const bytes = Buffer.alloc(12 + data.length);
    bytes.writeUInt32BE(data.length, 0);
    bytes.write(name, 4, "latin1");
    bytes.set(data, 8);
    bytes.writeUInt32BE(crc32(bytes.subarray(4, 8 + data.length)), 8 + data.length);
    return bytes;
  };
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([1, 0, 0, 0, interlace], 8); // one bit of grey
  return Buffer.concat([
    Buffer.from("\u0089PNG\r\n\u001a\n", "latin1"),
    chunk("IHDR", header),
    chunk("IDAT", deflateSync(Buffer.alloc(10_000))),
    chunk("IEND", Buffer.alloc(0)),
  ]);
}

function crc32(bytes: Uint8Array): number {
  let crc = -1;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (0xedb88320 & -(crc & 1));
  }
  return (crc ^ -1) >>> 0;
}
