// A set of pictures that is larger than memory: made of `--files` varied JPEGs of 128×128 that are linked under many names,
// packed by netc and trained on. `node bench/larger-than-memory.mjs FOLDER --images 200000` makes the set and big.yaml beside it;
// run netc on that file within a limit, for instance `systemd-run --scope -p MemoryMax=1500M -p MemorySwapMax=0 netc run
// big.yaml`. `--decode` tells how many pictures a second sharp alone decodes in a loop, which is what packing is held to.
import { linkSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import sharp from "sharp";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    images: { type: "string", default: "200000" },
    files: { type: "string", default: "2000" },
    decode: { type: "boolean", default: false },
  },
});
const [folder] = positionals;
const [images, files] = [Number(values.images), Number(values.files)];
const SIZE = 128;
const CLASSES = 10;

sharp.cache(false);
sharp.concurrency(1);
if (values.decode) await decode();
else await make();

/** Blobs of a class's colour over noise: something to learn, and of a photograph's length when compressed. */
async function make() {
  mkdirSync(join(folder, "originals"), { recursive: true });
  for (let file = 0; file < files; file++) {
    await sharp(pixelsOf(file), { raw: { width: SIZE, height: SIZE, channels: 3 } })
      .blur(2)
      .jpeg({ quality: 85 })
      .toFile(originalOf(file));
  }
  for (let label = 0; label < CLASSES; label++) mkdirSync(join(folder, "photos", `class${label}`), { recursive: true });
  for (let image = 0; image < images; image++) {
    linkSync(originalOf(image % files), join(folder, "photos", `class${image % CLASSES}`, `${image}.jpg`));
  }
  writeFileSync(
    join(folder, "big.yaml"),
    `name: big
data:
  dataset: { images: { folder: photos, size: ${SIZE}, validation_share: 0.01 } }
  augment: [horizontal_flip]
model:
  stem: { channels: 8 }
  stages:
    - { channels: 8, blocks: 1, stride: 2, projection: true }
    - { channels: 16, blocks: 1, stride: 2, projection: true }
train:
  epochs: 1
  batch_size: 64
  learning_rate: 0.05
`,
  );
}

function pixelsOf(file) {
  const pixels = Buffer.alloc(SIZE * SIZE * 3);
  let state = file * 2654435761 + 1;
  const [row, column] = [16 + ((file * 37) % 96), 16 + ((file * 53) % 96)];
  for (let pixel = 0; pixel < SIZE * SIZE; pixel++) {
    const distance = Math.hypot(Math.floor(pixel / SIZE) - row, (pixel % SIZE) - column);
    for (let channel = 0; channel < 3; channel++) {
      state = (Math.imul(state, 1664525) + 1013904223) | 0;
      const blob = distance < 30 ? ((file % CLASSES) * 71 + channel * 97) % 200 : 100;
      pixels[pixel * 3 + channel] = blob + ((state >>> 24) % 56);
    }
  }
  return pixels;
}

function originalOf(file) {
  return join(folder, "originals", `${file}.jpg`);
}

/** As many at a time as there are threads, each file read and decoded to RGB and no more. */
async function decode() {
  let next = 0;
  const started = performance.now();
  const loop = async () => {
    for (let file = next++; file < images; file = next++) {
      await sharp(readFileSync(originalOf(file % files)))
        .removeAlpha()
        .raw()
        .toBuffer();
    }
  };
  await Promise.all(Array.from({ length: 8 }, loop));
  const seconds = (performance.now() - started) / 1000;
  console.log(`sharp alone: ${images} pictures in ${seconds.toFixed(1)} s, ${Math.round(images / seconds)} a second`);
}
