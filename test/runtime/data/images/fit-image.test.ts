// Against torchvision's Resize and CenterCrop: test/oracle/pillow/write_resized_crops.py.
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { coveringSize, fitImage } from "../../../../src/runtime/data/images/fit-image.js";
import { noise } from "../../../support/noise.js";
import { plainFit } from "../../../support/plain-fit.js";

const bicubic = new URL("../../../oracle/pillow/bicubic.json", import.meta.url);
const { fits: resizedFirst } = JSON.parse(readFileSync(bicubic, "utf8")) as {
  fits: {
    size: [height: number, width: number];
    resize: number | [height: number, width: number];
    crop: number;
    interpolation: "bilinear" | "bicubic";
    md5: string;
  }[];
};

const path = new URL("../../../oracle/pillow/resized-crops.json", import.meta.url);
const { fits } = JSON.parse(readFileSync(path, "utf8")) as {
  fits: { size: [height: number, width: number]; side: number; md5: string }[];
};

describe("fitImage", () => {
  it.each(fits)("gives torchvision's pixels for $size brought to $side", ({ size: [height, width], side, md5 }) => {
    const image = { height, width, channels: 3, pixels: noise(height, width, 3) };
    const fitted = fitImage(image, plainFit({ height: side, width: side }));
    expect(createHash("md5").update(fitted).digest("hex")).toBe(md5);
  });

  it.each(resizedFirst)(
    "gives torchvision's pixels for $size resized to $resize by $interpolation and cut to $crop",
    ({ size: [height, width], resize, crop, interpolation, md5 }) => {
      const image = { height, width, channels: 3, pixels: noise(height, width, 3) };
      const wanted = typeof resize === "number" ? resize : { height: resize[0], width: resize[1] };
      const fitted = fitImage(image, { size: { height: crop, width: crop }, resize: wanted, interpolation });
      expect(createHash("md5").update(fitted).digest("hex")).toBe(md5);
    },
  );

  it("leaves an image of the right size as it is", () => {
    const image = { height: 5, width: 7, channels: 1, pixels: noise(5, 7, 1) };
    expect([...fitImage(image, plainFit({ height: 5, width: 7 }))]).toEqual([...image.pixels]);
  });
});

describe("coveringSize", () => {
  it("keeps the proportions and covers what is wanted, also where that is no square", () => {
    expect(coveringSize({ height: 100, width: 200 }, { height: 50, width: 50 })).toEqual({ height: 50, width: 100 });
    expect(coveringSize({ height: 100, width: 200 }, { height: 20, width: 80 })).toEqual({ height: 40, width: 80 });
    expect(coveringSize({ height: 100, width: 200 }, { height: 80, width: 20 })).toEqual({ height: 80, width: 160 });
  });
});
