import { describe, expect, it } from "vitest";
import type { DataConfig } from "../../../src/compiler/config.js";
import { createAugment } from "../../../src/runtime/data/augmentation/augment.js";
import { createLoader } from "../../../src/runtime/data/loader.js";
import type { LoaderConfig } from "../../../src/runtime/data/loader.js";
import { createResize } from "../../../src/runtime/data/resize.js";
import { generateSynthetic } from "../../../src/runtime/data/synthetic.js";
import type { Batch } from "../../../src/runtime/engines/engine.js";
import { permutation } from "../../../src/runtime/random/random-stream.js";

const size = { height: 8, width: 8, channels: 3 };
const dataset = generateSynthetic({ train_images: 50, test_images: 21, ...size, classes: 7 }, 3);
const plain: DataConfig = {
  dataset: { synthetic: { train_images: 50, test_images: 21, ...size, classes: 7 } },
  path: null,
  validation: null,
  resize: null,
  normalize: { mean: [0.5, 0.25, 0], std: [1, 1, 1] },
  augment: [],
};
const augmented: DataConfig = {
  ...plain,
  resize: { height: 12, width: 10 },
  augment: [{ random_crop: { padding: 2, mode: "reflect" } }, { horizontal_flip: { probability: 0.5 } }],
};

describe("training batches", () => {
  it("show every image once an epoch, with its label, in the order of the epoch", () => {
    const loader = createLoader(dataset, config(plain));
    expect(loader.batchesPerEpoch).toBe(4);
    const order = permutation(5, 2, 50);
    const seen: number[] = [];
    for (let index = 0; index < 4; index++) {
      const { count, images, labels } = loader.train(2, index);
      expect(count).toBe(index < 3 ? 16 : 2);
      expect([images.length, labels.length]).toEqual([count * 192, count]);
      for (let i = 0; i < count; i++) {
        const image = order[seen.length]!;
        expect([...images.subarray(i * 192, (i + 1) * 192)]).toEqual(bytesOf(image));
        expect(labels[i]).toBe(dataset.train.labels[image]);
        seen.push(image);
      }
    }
    expect(seen.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 50 }, (_, index) => index));
  });

  it("leave out the last, smaller one when drop_last is set", () => {
    expect(createLoader(dataset, config(plain, true)).batchesPerEpoch).toBe(3);
  });

  it("are resized first and then augmented", () => {
    const loader = createLoader(dataset, config(augmented));
    const target = { height: 12, width: 10, channels: 3 };
    const resize = createResize(size, target, 3);
    const augment = createAugment(augmented.augment, { ...target, seed: 5, fill: [128, 64, 0] });
    const order = permutation(5, 1, 50);
    const [resized, expected] = [new Uint8Array(360), new Uint8Array(360)];
    const { images } = loader.train(1, 0);
    for (let i = 0; i < 16; i++) {
      resize(dataset.train.images, order[i]! * 192, resized, 0);
      augment(resized, 0, expected, 0, 1, order[i]!);
      expect([...images.subarray(i * 360, (i + 1) * 360)]).toEqual([...expected]);
    }
  });

  it("are resized when nothing is augmented", () => {
    const loader = createLoader(dataset, config({ ...augmented, augment: [] }));
    const expected = new Uint8Array(360);
    createResize(size, { height: 12, width: 10 }, 3)(
      dataset.train.images,
      permutation(5, 0, 50)[0]! * 192,
      expected,
      0,
    );
    expect([...loader.train(0, 0).images.subarray(0, 360)]).toEqual([...expected]);
  });

  it("erase to the colour that normalisation turns to zero", () => {
    const loader = createLoader(dataset, config({ ...plain, augment: [{ cutout: { size: 16 } }] }));
    expect([...loader.train(0, 0).images.subarray(0, 3)]).toEqual([128, 64, 0]);
  });

  it("are the same whatever was asked for before", () => {
    const inOrder = createLoader(dataset, config(augmented));
    const wanted = [0, 1, 2].flatMap((epoch) => [0, 1, 2, 3].map((index) => copy(inOrder.train(epoch, index))));
    const jumping = createLoader(dataset, config(augmented));
    for (const at of [11, 0, 5, 6, 5, 4, 10, 3]) {
      expect(jumping.train(Math.floor(at / 4), at % 4)).toEqual(wanted[at]);
    }
  });

  it("hold two labels an image where images are mixed, in a smaller last batch too", () => {
    const augment: DataConfig["augment"] = [...augmented.augment, { cutmix: { alpha: 1, probability: 1 } }];
    const loader = createLoader(dataset, config({ ...augmented, augment }));
    const unmixed = createLoader(dataset, config(augmented));
    for (const index of [0, 3]) {
      const [batch, before] = [loader.train(2, index), copy(unmixed.train(2, index))];
      expect(batch.mixed!.shares).toHaveLength(batch.count);
      batch.labels.forEach((label, image) => {
        const own = before.labels[image]!;
        const other = before.labels[(image + batch.count - 1) % batch.count]!;
        expect([label, batch.mixed!.labels[image]].sort()).toEqual([own, other].sort());
      });
    }
    expect(unmixed.train(0, 0).mixed).toBeUndefined();
    expect(loader.test(0).mixed).toBeUndefined();
  });

  it("stay as they are while the next two are prepared", () => {
    const loader = createLoader(dataset, config(augmented));
    const batch = loader.train(0, 0);
    const before = copy(batch);
    loader.train(0, 1);
    loader.train(0, 2);
    expect(batch).toEqual(before);
  });

  it("hold the whole set when a batch is as large", () => {
    const whole = {
      ...config(plain),
      train: { batch_size: 50, drop_last: true, evaluation: { batch_size: 50 } },
    };
    const loader = createLoader(dataset, whole);
    expect([loader.batchesPerEpoch, loader.testBatches]).toEqual([1, 1]);
    expect(loader.train(0, 0).count).toBe(50);
    expect(loader.test(0).count).toBe(21);
  });
});

describe("test batches", () => {
  it("come in official order, the last one smaller, untouched by augmentation", () => {
    const loader = createLoader(dataset, config({ ...plain, augment: [{ horizontal_flip: { probability: 1 } }] }));
    expect(loader.testBatches).toBe(3);
    const batches = [0, 1, 2].map((index) => loader.test(index));
    expect(batches.map(({ count }) => count)).toEqual([8, 8, 5]);
    expect(batches.flatMap(({ images }) => [...images])).toEqual([...dataset.test.images]);
    expect(batches.flatMap(({ labels }) => [...labels])).toEqual([...dataset.test.labels]);
  });

  it("are resized, and the same on the second evaluation", () => {
    const loader = createLoader(dataset, config(augmented));
    const expected = new Uint8Array(21 * 360);
    const resize = createResize(size, { height: 12, width: 10 }, 3);
    for (let i = 0; i < 21; i++) resize(dataset.test.images, i * 192, expected, i * 360);
    for (let evaluation = 0; evaluation < 2; evaluation++) {
      expect([0, 1, 2].flatMap((index) => [...loader.test(index).images])).toEqual([...expected]);
    }
  });

  it("are resized anew each time when keeping them would take too much memory", () => {
    const large = { ...augmented, resize: { height: 2600, width: 2600 } }; // 21 · 2600 · 2600 · 3 bytes = 426 MB
    const loader = createLoader(dataset, {
      ...config(large),
      train: { ...config(large).train, batch_size: 1 },
    });
    const first = loader.test(2);
    expect([first.count, ...first.labels]).toEqual([5, ...dataset.test.labels.subarray(16)]);
    const corner = [...first.images.subarray(0, 3)];
    expect(corner).toEqual([...dataset.test.images.subarray(16 * 192, 16 * 192 + 3)]);
  });
});

function config(data: DataConfig, dropLast = false): LoaderConfig {
  return {
    seed: 5,
    data,
    train: { batch_size: 16, drop_last: dropLast, evaluation: { batch_size: 8 } },
  };
}

function bytesOf(image: number): number[] {
  return [...dataset.train.images.subarray(image * 192, (image + 1) * 192)];
}

function copy({ count, images, labels }: Batch): Batch {
  return { count, images: images.slice(), labels: labels.slice() };
}
