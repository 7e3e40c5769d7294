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
}

/** torchvision/transforms/_presets.py, ImageClassification. */
const IMAGENET: WeightsPreprocessing = {
  from: null,
  mean: [0.485, 0.456, 0.406],
  std: [0.229, 0.224, 0.225],
  size: 224,
};

const LARGEST = 1024 * 1024; // bytes
const LARGEST_SIDE = 4096;

/** What a file does not say is ImageNet's. */
export async function preprocessingBeside(weights: string): Promise<WeightsPreprocessing> {
  for (const name of ["config.json", "preprocessor_config.json"]) {
    const path = join(dirname(weights), name);
    const size = (await ifThere(path, stat(path)))?.size ?? 0;
    const found = size > 0 && size <= LARGEST ? jsonIn((await textIfThere(path)) ?? "") : undefined;
    if (!isRecord(found)) continue;
    const told = isRecord(found["pretrained_cfg"]) ? found["pretrained_cfg"] : found;
    const [mean, std] = [colors(told["mean"] ?? told["image_mean"]), colors(told["std"] ?? told["image_std"])];
    if (!mean || !std || std.some((value) => value <= 0)) continue;
    return { from: path, mean, std, size: sideOf(told) ?? IMAGENET.size };
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

function sidesIn(value: unknown): unknown[] {
  return isRecord(value) ? [value["height"], value["shortest_edge"]] : [value];
}
