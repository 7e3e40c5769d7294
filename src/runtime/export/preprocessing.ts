// ResolvedConfig → all that has to be done to a picture, in order, to have of an exported model what `netc predict` says:
// one description, which every export carries as JSON. Each step says in a sentence what it means, so that a pipeline can be
// written from it alone.
import type { PictureFit, ResolvedConfig } from "../../compiler/config.js";
import { pictureFit } from "../../compiler/datasets.js";
import { isDecodable } from "../data/images/decode-image.js";
import { viewsOf } from "../data/test-views.js";

export interface Preprocessing {
  /** Of this form of description. */
  readonly version: 1;
  readonly steps: readonly Step[];
}

/** `step` says what is done, `means` how; the others are its numbers. */
export interface Step {
  readonly step: string;
  readonly means: string;
  readonly [setting: string]: unknown;
}

/** How an exported model takes images. */
export interface ModelInput {
  readonly layout: "NHWC" | "NCHW";
  /** 8-bit where the model normalises by itself. */
  readonly type: "uint8" | "float32";
}

export function preprocessingOf(config: ResolvedConfig, input: ModelInput): Preprocessing {
  const { data, model, train } = config;
  const { height, width, channels } = model.input;
  const views = viewsOf(train.evaluation);
  const [normalization, isInside] = [normalizing(data.normalize), input.type === "uint8"];
  const shape = input.layout === "NHWC" ? [null, height, width, channels] : [null, channels, height, width];
  return {
    version: 1,
    steps: [
      ...(isDecodable(channels) ? [decoding(channels), fitting(pictureFit(data.dataset))] : []),
      ...(data.resize ? [resizing(data.resize.height, data.resize.width)] : []),
      ...(views.length > 1 ? [viewing(views)] : []),
      ...(isInside ? [] : normalization),
      {
        step: "model",
        ...input,
        shape,
        contains: isInside ? normalization : [],
        means:
          `run the model on a batch of images laid out as ${input.layout} in ${input.type}; it gives one logit per class` +
          (isInside ? ", and what it contains must not be done before it" : ""),
      },
      ...(views.length > 1
        ? [
            {
              step: "average_views",
              weights: views.map(({ weight }) => weight),
              means: "add up the logits of an image's views, each times its weight",
            },
          ]
        : []),
      { step: "softmax", means: "exp(logit) / the sum of exp(logits) over the classes: the probabilities" },
    ],
  };
}

/** Pillow's `convert`, libImaging/Convert.c. */
const GREY = "(19595 red + 38470 green + 7471 blue + 32768) >> 16";

function decoding(channels: 1 | 3): Step {
  return {
    step: "decode",
    channels: channels === 1 ? "L" : "RGB",
    type: "uint8",
    orientation: "exif",
    alpha: "drop",
    color_profile: "ignore",
    ...(channels === 1 ? { grey: GREY } : {}),
    means:
      "decode to 8 bits per channel, turn upright as the Exif orientation says, drop transparency without blending, leave colour " +
      (channels === 1
        ? `profiles alone; colour becomes grey as ${GREY}`
        : "profiles alone; grey is repeated in all three"),
  };
}

/** src/libImaging/Resample.c of Pillow: what fixes every bit. */
function resampling(interpolation: PictureFit["interpolation"]) {
  return {
    filter: interpolation === "bilinear" ? "triangle" : "cubic",
    antialias: true,
    order: ["width", "height"],
    weight_bits: 22,
    rounding: "half_up",
    type: "uint8",
  } as const;
}

function howToResample(interpolation: PictureFit["interpolation"]): string {
  const [name, filter] =
    interpolation === "bilinear"
      ? ["BILINEAR", "a triangle filter, max(1, from / to) source pixels wide"]
      : ["BICUBIC", "Keys's cubic filter with a = -0.5, 2 max(1, from / to) source pixels wide"];
  return (
    `Pillow's Image.resize(…, ${name}) on 8-bit pixels: ${filter} on either side ` +
    "of (target + 0.5) from / to, weights scaled to sum 1 and rounded to multiples of 2^-22; first along the width, then along " +
    "the height, rounded to 8 bits after each; a side that keeps its length is left alone"
  );
}

function fitting({ size: { height, width }, resize, interpolation }: PictureFit): Step {
  const covered = typeof resize === "number" ? `${resize}×${resize}` : `${height}×${width}`;
  const resized =
    typeof resize === "object" && resize !== null
      ? `resize to exactly ${resize.height}×${resize.width} (height×width), whatever the proportions`
      : `resize to the smallest size of the picture's own proportions that covers ${covered} (height×width): one side ` +
        "is the wanted one, the other its length × wanted / from of that side, rounded down";
  return {
    step: "resize_and_center_crop",
    height,
    width,
    ...(resize === null ? {} : { resize }),
    longer_side: "floor",
    resampling: resampling(interpolation),
    crop_offset: "half_to_even",
    means:
      `${resized}; then crop the centre, beginning at half of what is over, rounded to the nearest whole number and halves ` +
      `to the even one. Resizing: ${howToResample(interpolation)}`,
  };
}

function resizing(height: number, width: number): Step {
  return {
    step: "resize",
    height,
    width,
    resampling: resampling("bilinear"),
    means: `resize to exactly ${height}×${width} (height×width), whatever the proportions: ${howToResample("bilinear")}`,
  };
}

function viewing(views: ReturnType<typeof viewsOf>): Step {
  return {
    step: "views",
    border: "reflect",
    views: views.map(({ by, isMirrored, weight }) => ({ shift: by, mirror: isMirrored, weight })),
    means:
      "make each view of the image: move it up and left by `shift` pixels, down and right where that is negative, what comes " +
      "in mirrored at the border without repeating it; then, where `mirror` says so, mirror it left to right",
  };
}

function normalizing({ mean, std }: ResolvedConfig["data"]["normalize"]): Step[] {
  return [
    { step: "scale", divide_by: 255, type: "float32", means: "divide each value by 255, in float32" },
    {
      step: "normalize",
      mean,
      std,
      type: "float32",
      means: `subtract the channel's mean (${mean.join(", ")}) and divide by its std (${std.join(", ")}), in float32`,
    },
  ];
}
