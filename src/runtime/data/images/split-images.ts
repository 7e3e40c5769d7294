// Listed images → those to train on and those to test on: the folder's own split, or one drawn by the seed class by class.
import type { ImagesRequest } from "../../../compiler/front/scan-images.js";
import { randomStream } from "../../random/random-stream.js";
import type { ListedImage, ListedImages } from "./list-images.js";

export interface SplitImages {
  readonly train: readonly ListedImage[];
  readonly test: readonly ListedImage[];
}

/**
 * Of each class of n images, n · validation_share rounded are tested on: at least one, and one at least stays to train on. A
 * class's draw depends on the seed, its place and its number of images alone.
 */
export function splitImages(
  { classes, train, test }: Pick<ListedImages, "classes" | "train" | "test">,
  { validation_share: share, seed }: Pick<ImagesRequest, "validation_share" | "seed">,
): SplitImages {
  if (test) return { train, test };
  const groups: ListedImage[][] = classes.map(() => []);
  for (const image of train) groups[image.label]!.push(image);
  const parts = groups.map((own, label) => {
    const count = own.length < 2 ? 0 : Math.min(own.length - 1, Math.max(1, Math.round(own.length * share)));
    const drawn = drawnPlaces(own.length, count, seed, label);
    return {
      train: own.filter((_, place) => !drawn.has(place)),
      test: own.filter((_, place) => drawn.has(place)),
    };
  });
  return { train: parts.flatMap((part) => part.train), test: parts.flatMap((part) => part.test) };
}

/** `count` of 0 … length − 1: the first steps of Fisher and Yates' shuffle. */
function drawnPlaces(length: number, count: number, seed: number, label: number): ReadonlySet<number> {
  const stream = randomStream({ seed, purpose: "split", epoch: 0, index: label });
  const places = Uint32Array.from({ length }, (_, place) => place);
  for (let at = 0; at < count; at++) {
    const other = at + stream.integer(length - at);
    const moved = places[at]!;
    places[at] = places[other]!;
    places[other] = moved;
  }
  return new Set(places.subarray(0, count));
}
