import { describe, expect, it } from "vitest";
import { testViews, viewOf } from "../../../src/runtime/data/test-views.js";

const input = { height: 2, width: 3, channels: 2 };
// Two images; each pixel's channels are its place and its place + 100
const image = [0, 1, 2, 3, 4, 5].flatMap((place) => [place, place + 100]);
const images = Uint8Array.from([...image, ...image.map((value) => value + 10)]);
const placesOf = (shown: Uint8Array) => [...shown].filter((_, at) => at % 2 === 0);

describe("viewOf", () => {
  it("mirrors each image and keeps rows and channels", () => {
    const shown = viewOf(input, 0, true)(images);
    expect(placesOf(shown)).toEqual([2, 1, 0, 5, 4, 3, 12, 11, 10, 15, 14, 13]);
    expect([...shown].filter((_, at) => at % 2 === 1)).toEqual(placesOf(shown).map((place) => place + 100));
  });

  it("moves each image with a mirrored border, before it mirrors it", () => {
    expect(placesOf(viewOf(input, 1, false)(images)).slice(0, 6)).toEqual([4, 5, 4, 1, 2, 1]);
    expect(placesOf(viewOf(input, -1, false)(images)).slice(0, 6)).toEqual([4, 3, 4, 1, 0, 1]);
    expect(placesOf(viewOf(input, 1, true)(images)).slice(0, 6)).toEqual([4, 5, 4, 1, 2, 1]);
  });

  it("takes smaller batches, and leaves the images as they are", () => {
    const before = images.slice();
    const view = viewOf(input, 0, true);
    view(images);
    expect(placesOf(view(images.subarray(0, 12)))).toEqual([2, 1, 0, 5, 4, 3]);
    expect(images).toEqual(before);
  });
});

describe("testViews", () => {
  const weights = (flip: boolean, translate: number) => {
    const { weight, others } = testViews({ model: { input }, train: { evaluation: { flip, translate } } });
    return [weight, ...others.map((view) => view.weight)];
  };

  it("gives the image itself half of the weight where images are moved, and mirror images their share", () => {
    expect(weights(false, 0)).toEqual([1]);
    expect(weights(true, 0)).toEqual([1 / 2, 1 / 2]);
    expect(weights(false, 1)).toEqual([1 / 2, 1 / 4, 1 / 4]);
    expect(weights(true, 1)).toEqual([1 / 4, 1 / 4, 1 / 8, 1 / 8, 1 / 8, 1 / 8]);
  });
});
