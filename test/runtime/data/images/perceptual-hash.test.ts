import type { Sharp } from "sharp";
import sharp from "sharp";
import { describe, expect, it } from "vitest";
import { decodeImage } from "../../../../src/runtime/data/images/decode-image.js";
import type { ImageHash } from "../../../../src/runtime/data/images/perceptual-hash.js";
import { randomStream } from "../../../../src/runtime/random/random-stream.js";
import { hashOf, lookAlike } from "../../../../src/runtime/data/images/perceptual-hash.js";

/** A photograph's stand-in: a few discs on a slope of colour. */
function drawing(seed: number, size = 200): Sharp {
  const stream = randomStream({ seed, purpose: "synthetic", epoch: 0, index: 0 });
  const numbers = Array.from({ length: 40 }, () => stream.uniform());
  const at = (number: number): number => numbers[number]!;
  const discs = Array.from(
    { length: 6 },
    (_, disc) =>
      `<circle cx="${at(disc) * size}" cy="${at(disc + 10) * size}" r="${(0.1 + 0.2 * at(disc + 20)) * size}" fill="hsl(${at(disc + 30) * 360},60%,50%)"/>`,
  );
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${size}" height="${size}"><rect width="100%" height="100%" fill="#789"/>${discs.join("")}</svg>`;
  return sharp(Buffer.from(svg));
}

async function hash(picture: Sharp): Promise<ImageHash> {
  return hashOf(await decodeImage(await picture.toBuffer(), 3));
}

describe("lookAlike", () => {
  it("finds a picture again in another size and format", async () => {
    const original = await hash(drawing(1).png());
    for (const again of [
      drawing(1).resize(90).png(),
      drawing(1).jpeg({ quality: 40 }),
      drawing(1).webp({ quality: 40 }),
    ]) {
      expect(lookAlike(original, await hash(again))).toBe(true);
    }
  });

  it("takes no two different pictures for one", async () => {
    const hashes = await Promise.all(Array.from({ length: 20 }, (_, seed) => hash(drawing(seed, 96).png())));
    const pairs = hashes.flatMap((one, index) => hashes.slice(index + 1).map((other) => lookAlike(one, other)));
    expect(pairs.filter(Boolean)).toEqual([]);
  });

  it("tells plain pictures apart by their colour", async () => {
    const plain = (background: string): Sharp =>
      sharp({ create: { width: 30, height: 20, channels: 3, background } }).png();
    expect(lookAlike(await hash(plain("#336699")), await hash(plain("#336699")))).toBe(true);
    expect(lookAlike(await hash(plain("#336699")), await hash(plain("#996633")))).toBe(false);
  });
});
