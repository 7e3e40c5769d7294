// A folder of small pictures of three classes: PNG, JPEG and WebP of several sizes, one of them grey, one turned by its Exif
// orientation, one in a folder of its own, and one that is broken.
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import sharp from "sharp";

const CLASSES = ["ant", "bee", "cat"];

export async function writePictures(folder: string): Promise<void> {
  for (const [label, name] of CLASSES.entries()) {
    await mkdir(join(folder, name, "more"), { recursive: true });
    for (let index = 0; index < 12; index++) {
      const [height, width] = [18 + ((7 * index + 5 * label) % 30), 19 + ((11 * index + 3 * label) % 29)];
      const channels = index === 4 ? 1 : 3;
      const pixels = Uint8Array.from({ length: height * width * channels }, (_, at) => {
        const [y, x] = [Math.floor(at / (width * channels)), Math.floor(at / channels) % width];
        return 128 + 100 * Math.sin((y * (label + 1) + x * (index + 1) + 40 * (at % channels)) / 9);
      });
      const picture = sharp(pixels, { raw: { height, width, channels } });
      const turned = index === 7 ? picture.withMetadata({ orientation: 6 }) : picture;
      const place = join(folder, name, index > 8 ? "more" : ".", String(index));
      if (index % 3 === 0) await turned.png().toFile(`${place}.png`);
      else if (index % 3 === 1) await turned.jpeg({ quality: 90 }).toFile(`${place}.jpg`);
      else await turned.webp({ lossless: true }).toFile(`${place}.webp`);
    }
  }
  await writeFile(join(folder, "bee", "broken.png"), Buffer.from("\u0089PNG\r\n\u001a\nnothing more", "latin1"));
}
