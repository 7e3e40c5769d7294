// Six classes of CIFAR-10 as folders of PNG files, as somebody with few photographs has them: what fine-tuning is measured on.
//   node bench/photos-of-cifar.mjs FOLDER [TRAINING_PICTURES_PER_CLASS (50) [TEST_PICTURES_PER_CLASS (100)]]
// CIFAR-10 has to be in netc's cache; `netc run configs/resnet-cifar.yaml --max-steps 1` fetches it. The training pictures are
// the first of their class in the first training batch, the test pictures the first in the test batch.
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { encodePng } from "../dist/runtime/data/pictures/png.js";

const CLASSES = new Map([
  [0, "airplane"],
  [1, "automobile"],
  [3, "cat"],
  [5, "dog"],
  [7, "horse"],
  [8, "ship"],
]);
const SIDE = 32;
const PIXELS = SIDE * SIDE;
const RECORD = 1 + 3 * PIXELS; // a label, then red, green and blue planes

const [folder, training = "50", test = "100"] = process.argv.slice(2);
if (folder === undefined) throw new Error("name the folder to write");
const cache = join(process.env.NETC_CACHE ?? join(homedir(), ".cache/netc"), "cifar10/cifar-10-batches-bin");
await writePart("data_batch_1.bin", "train", Number(training));
await writePart("test_batch.bin", "test", Number(test));

async function writePart(file, part, perClass) {
  const bytes = await readFile(join(cache, file));
  const written = new Map([...CLASSES.values()].map((name) => [name, 0]));
  for (let offset = 0; offset < bytes.length; offset += RECORD) {
    const name = CLASSES.get(bytes[offset]);
    const count = written.get(name);
    if (count === undefined || count === perClass) continue;
    const planes = bytes.subarray(offset + 1, offset + RECORD);
    const pixels = Uint8Array.from({ length: 3 * PIXELS }, (_, at) => planes[(at % 3) * PIXELS + Math.floor(at / 3)]);
    await mkdir(join(folder, part, name), { recursive: true });
    const png = await encodePng({ height: SIDE, width: SIDE, channels: 3, pixels });
    await writeFile(join(folder, part, name, `${String(count).padStart(3, "0")}.png`), png);
    written.set(name, count + 1);
  }
}
