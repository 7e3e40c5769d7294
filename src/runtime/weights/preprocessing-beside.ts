// What lies beside a file of weights → how its pictures were prepared: `config.json` of timm, `preprocessor_config.json` of Hugging Face.
import { stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { ifThere, textIfThere } from "../files/if-there.js";
import { isRecord, jsonIn } from "../files/parse-json.js";

export interface WeightsPreprocessing {
  /** The file that says so; null where these are ImageNet's, as torchvision and most others have them. */
  readonly from: string | null;
  readonly mean: readonly number[];
  readonly std: readonly number[];
  /** The side of the square that the network sees. */
  readonly size: number;
  /** What the shorter side is resized to before that square is cut out. */
  readonly resize: number;
  readonly interpolation: "bilinear" | "bicubic";
}

/** torchvision/transforms/_presets.py, ImageClassification. */
export const IMAGENET: WeightsPreprocessing = {
  from: null,
  mean: [0.485, 0.456, 0.406],
  std: [0.229, 0.224, 0.225],
  size: 224,
  resize: 256,
  interpolation: "bilinear",
};

const LARGEST = 1024 * 1024; // bytes
const LARGEST_SIDE = 4096;

/** What a file does not say is ImageNet's. */
export async function preprocessingBeside(weights: string): Promise<WeightsPreprocessing> {
  for (const name of ["config.json", "preprocessor_config.json"]) {
    const path = join(dirname(weights), name);
    const bytes = (await ifThere(path, stat(path)))?.size ?? 0;
    const found = bytes > 0 && bytes <= LARGEST ? jsonIn((await textIfThere(path)) ?? "") : undefined;
    if (!isRecord(found)) continue;
    const told = isRecord(found["pretrained_cfg"]) ? found["pretrained_cfg"] : found;
    const [mean, std] = [colors(told["mean"] ?? told["image_mean"]), colors(told["std"] ?? told["image_std"])];
    if (!mean || !std || std.some((value) => value <= 0)) continue;
    const size = sideOf(told) ?? IMAGENET.size;
    return { from: path, mean, std, size, resize: resizedOf(told, size), interpolation: interpolationOf(told) };
  }
  return IMAGENET;
}

function colors(value: unknown): number[] | undefined {
  const isThree = Array.isArray(value) && value.length === 3 && value.every((one) => Number.isFinite(one));
  return isThree ? (value as number[]) : undefined;
}

/** timm: `input_size: [3, 224, 224]`; Hugging Face: `crop_size` or `size`, a number or with `height` or `shortest_edge`. */
function sideOf(told: Readonly<Record<string, unknown>>): number | undefined {
  const { input_size: input, crop_size: crop, size } = told;
  const candidates = [Array.isArray(input) ? (input as unknown[])[1] : undefined, ...[crop, size].flatMap(sidesIn)];
  return candidates.find(
    (side): side is number => Number.isInteger(side) && (side as number) > 0 && (side as number) <= LARGEST_SIDE,
  );
}

/** timm: the square is so large a share of the shorter side, `crop_pct`, 0.875 where it is not said; Hugging Face: `size`. */
function resizedOf(told: Readonly<Record<string, unknown>>, size: number): number {
  const { crop_pct: share, size: whole, do_center_crop: isCut } = told;
  const isShare = typeof share === "number" && share > 0 && share <= 1;
  if (isShare) return Math.floor(size / share); // timm's create_transform
  if (told["input_size"] !== undefined) return Math.floor(size / 0.875);
  const side = sidesIn(whole).find((one) => Number.isInteger(one) && (one as number) <= LARGEST_SIDE);
  return isCut !== false && typeof side === "number" ? Math.max(side, size) : size;
}

/** timm's names; Hugging Face's `resample` has Pillow's numbers. Others are taken for bilinear, as torchvision's are. */
function interpolationOf({ interpolation, resample }: Readonly<Record<string, unknown>>): "bilinear" | "bicubic" {
  return interpolation === "bicubic" || resample === PILLOW_BICUBIC ? "bicubic" : "bilinear";
}

const PILLOW_BICUBIC = 3;

function sidesIn(value: unknown): unknown[] {
  return isRecord(value) ? [value["height"], value["shortest_edge"]] : [value];
}
