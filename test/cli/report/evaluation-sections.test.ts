import { describe, expect, it } from "vitest";
import { confusionSection, samplesSection } from "../../../src/cli/report/evaluation-sections.js";
import { classificationFigures } from "../../../src/runtime/trained/classification-figures.js";
import type { ImageSet } from "../../../src/runtime/data/dataset.js";
import { loadPngDecoder } from "../../../src/runtime/data/pictures/png.js";
import type { NetworkEvaluation } from "../../../src/runtime/trained/trained-network.js";

/** Three images of two classes, one of whose names could be markup; the last is answered wrongly. */
const logits = Float32Array.of(2, 0, 0, 2, 0, 3);
const evaluation: NetworkEvaluation = {
  ...classificationFigures(logits, Int32Array.of(0, 1, 0)),
  classNames: ["<cat>", "dog"],
  logits,
};
const size = { height: 4, width: 4, channels: 3 };
const images = Uint8Array.from({ length: 3 * 48 }, (_, index) => index);
const test: ImageSet = { count: 3, ...size, images, labels: Uint8Array.of(0, 1, 0) };

describe("confusionSection", () => {
  it("names the true class of each row and the answer of each column, escaped", async () => {
    const { html, note } = await confusionSection(evaluation, 1200);
    expect(note).toContain("the checkpoint of step 1,200 answers 66.67% of 3 test images correctly");
    expect(html).toContain('<th scope="row">&lt;cat&gt;</th><td class="count right" style="--share: 50%">1</td>');
    expect(html).toContain('<button type="button" class="answer">dog</button>');
    expect(html).toContain('<td class="number">50.00%</td></tr>'); // recall of cats
    expect(html).toContain('<a href="#sample-2">a picture of it</a>');
  });
});

describe("samplesSection", () => {
  it("shows the wrong images as pictures in the page, each with a text that tells its class", async () => {
    const { html } = await samplesSection(evaluation, { classes: [], train: test, test });
    expect(html.match(/<img /g)).toHaveLength(1);
    expect(html).toContain('alt="test image 2, of class &lt;cat&gt;" width="96" height="96"');
    expect(html).toContain("taken for dog: 95.26%"); // 1 / (1 + e^-3)
    const [, base64 = ""] = /src="data:image\/png;base64,([^"]+)"/.exec(html) ?? [];
    const decode = await loadPngDecoder();
    const decoded = decode(Buffer.from(base64.replaceAll("&#x3D;", "="), "base64"));
    expect([...decoded.data]).toEqual([...images.subarray(96)]);
  });

  it("says so where there is nothing to show", async () => {
    const right = { ...evaluation, mistakes: [] };
    const { note, html } = await samplesSection(right, { classes: [], train: test, test });
    expect(note).toBe("The network classifies every test image correctly.");
    expect(html).not.toContain("<img");
  });
});
