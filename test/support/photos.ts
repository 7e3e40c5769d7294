// A folder of small pictures, a folder for each of two classes, every picture another one.
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { encodePng } from "../../src/runtime/data/pictures/png.js";

/** `each` of `size` by `size` pixels a class, `FOLDER/cat/0.png` and so on; another `shade` makes other pictures of them. */
export async function writePhotos(folder: string, each: number, size: number, shade = 0): Promise<void> {
  for (const [label, name] of ["cat", "dog"].entries()) {
    await mkdir(join(folder, name), { recursive: true });
    for (let index = 0; index < each; index++) {
      const pixels = Uint8Array.from(
        { length: size * size * 3 },
        (_, at) => (at * (3 + index) + 90 * label + shade) % 256,
      );
      await writeFile(
        join(folder, name, `${index}.png`),
        await encodePng({ width: size, height: size, channels: 3, pixels }),
      );
    }
  }
}
