// Images with captions → one PNG that shows them in a grid, enlarged by whole pixels so that small ones can be seen.
import type { ImageSize } from "../resize.js";
import { encodePng } from "./png.js";
import { drawText, LETTER_HEIGHT, LETTER_WIDTH } from "./pixel-font.js";

export interface SheetImage {
  /** [height, width, channels]; of more than three channels the first is shown, in grey. */
  readonly pixels: Uint8Array;
  /** Lines below the image, each cut to its width. */
  readonly caption: readonly string[];
}

export interface SheetOptions extends ImageSize {
  readonly channels: number;
  /** Images in a row. */
  readonly columns: number;
}

const GAP = 8;
const LINE = LETTER_HEIGHT + 4;
/** Room for some twenty letters of a caption. */
const LEAST_WIDTH = 128;
const BACKGROUND = 255;
const INK = 24;

export async function contactSheet(images: readonly SheetImage[], options: SheetOptions): Promise<Uint8Array> {
  const { height, width, channels, columns } = options;
  const scale = Math.max(1, Math.ceil(LEAST_WIDTH / width));
  const cell = { width: width * scale, height: height * scale };
  const lines = Math.max(0, ...images.map(({ caption }) => caption.length));
  const step = { x: cell.width + GAP, y: cell.height + lines * LINE + GAP };
  const across = Math.min(columns, Math.max(1, images.length));
  const sheet = {
    width: GAP + across * step.x,
    height: GAP + Math.max(1, Math.ceil(images.length / columns)) * step.y,
  };
  const pixels = new Uint8Array(sheet.width * sheet.height * 3).fill(BACKGROUND);
  for (const [index, { pixels: image, caption }] of images.entries()) {
    const left = GAP + (index % columns) * step.x;
    const top = GAP + Math.floor(index / columns) * step.y;
    for (let y = 0; y < cell.height; y++) {
      for (let x = 0; x < cell.width; x++) {
        const from = (Math.floor(y / scale) * width + Math.floor(x / scale)) * channels;
        const to = ((top + y) * sheet.width + left + x) * 3;
        for (let c = 0; c < 3; c++) pixels[to + c] = image[from + (channels === 3 ? c : 0)]!;
      }
    }
    for (const [number, text] of caption.entries()) {
      const y = top + cell.height + 3 + number * LINE;
      drawText(shortened(text, Math.floor(cell.width / LETTER_WIDTH)), (dx, dy) => {
        pixels.fill(INK, ((y + dy) * sheet.width + left + dx) * 3, ((y + dy) * sheet.width + left + dx) * 3 + 3);
      });
    }
  }
  return encodePng({ ...sheet, channels: 3, pixels });
}

function shortened(text: string, letters: number): string {
  return text.length <= letters ? text : `${text.slice(0, Math.max(0, letters - 2))}..`;
}
