// Against scikit-learn's figures (test/oracle/write_classification_figures.py), and by hand where a case fits on paper.
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { classificationFigures, softmax } from "../../../src/runtime/trained/classification-figures.js";

interface Fixture {
  readonly labels: number[];
  readonly logits: number[];
  readonly accuracy: number;
  readonly loss: number;
  readonly precision: (number | null)[];
  readonly recall: (number | null)[];
  readonly confusion: number[][];
  readonly "calibration error": number;
}

const path = new URL("../../oracle/classification-figures.json", import.meta.url);
const fixture = JSON.parse(readFileSync(path, "utf8")) as Fixture;
const figures = classificationFigures(Float32Array.from(fixture.logits), Int32Array.from(fixture.labels));

describe("classificationFigures", () => {
  it("gives scikit-learn's accuracy, loss and confusion matrix", () => {
    expect(figures.accuracy).toBe(fixture.accuracy);
    expect(figures.loss).toBeCloseTo(fixture.loss, 12); // float64, sums of 60
    expect(figures.confusion).toEqual(fixture.confusion);
  });

  it("gives scikit-learn's precision and recall, and null where there is nothing to divide by", () => {
    expect(figures.classes.map(({ precision }) => precision)).toEqual(fixture.precision);
    expect(figures.classes.map(({ recall }) => recall)).toEqual(fixture.recall);
    expect(fixture.precision).toContain(null);
    expect(fixture.recall).toContain(null);
  });

  it("gives the calibration error of its definition", () => {
    expect(figures.calibration.error).toBeCloseTo(fixture["calibration error"], 12); // float64, sums of 60
    expect(figures.calibration.bins.reduce((sum, { images }) => sum + images, 0)).toBe(figures.images);
  });

  it("counts a confidence on a bin's bound to the bin below", () => {
    // Three equal logits: a confidence of 1/3 or the next double, the upper bound of the fifth of 15 bins
    const { bins, error } = classificationFigures(Float32Array.of(0, 0, 0), Int32Array.of(0)).calibration;
    expect(bins.findIndex(({ images }) => images === 1)).toBe(4);
    expect(error).toBeCloseTo(2 / 3, 12); // always right, a third sure
  });

  it("puts what it is most wrong about first", () => {
    // log 9, log 3 and log 99: probabilities of 0.9, 0.75 and 0.99 for the first class
    const logits = Float32Array.of(Math.log(9), 0, Math.log(3), 0, Math.log(99), 0, 5, 0);
    const { mistakes } = classificationFigures(logits, Int32Array.of(1, 1, 1, 0));
    expect(mistakes.map(({ image, label, answer }) => [image, label, answer])).toEqual([
      [2, 1, 0],
      [0, 1, 0],
      [1, 1, 0],
    ]);
    expect(mistakes[0]!.confidence).toBeCloseTo(0.99, 6); // logits are float32
    expect(mistakes[0]!.labelProbability).toBeCloseTo(0.01, 6);
  });

  it("stays finite for logits whose exponentials are not", () => {
    const { loss, mistakes } = classificationFigures(Float32Array.of(2000, 0), Int32Array.of(1));
    expect(loss).toBe(2000);
    expect(mistakes[0]).toMatchObject({ confidence: 1, labelProbability: 0 });
    expect(softmax(Float32Array.of(2000, 2000))).toEqual([0.5, 0.5]);
  });
});
