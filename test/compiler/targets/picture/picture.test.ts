import { describe, expect, it } from "vitest";
import { compileText } from "../../../../src/compiler/compile.js";
import { dotText } from "../../../../src/compiler/targets/picture/dot.js";
import { mermaidText } from "../../../../src/compiler/targets/picture/mermaid.js";
import type { PictureOptions } from "../../../../src/compiler/targets/picture/picture.js";
import { drawPicture } from "../../../../src/compiler/targets/picture/picture.js";
import { svgText } from "../../../../src/compiler/targets/picture/svg.js";

function pictureOf(stages: string, options: PictureOptions = {}, name = "net") {
  const text = `name: ${JSON.stringify(name)}\ndata: {dataset: cifar10}\nmodel: {stem: {channels: 16}, stages: [${stages}]}\ntrain: {epochs: 1, batch_size: 32, learning_rate: 0.1}\n`;
  const { value, diagnostics } = compileText(text, "net.yaml");
  if (!value) throw new Error(JSON.stringify(diagnostics));
  return drawPicture(value.config.name, value.graph, options);
}

const SMALL = "{channels: 16, blocks: 1}, {channels: 32, blocks: 4, stride: 2, projection: true}";
const RESNET_110 = [16, 32, 64]
  .map((channels) => `{channels: ${channels}, blocks: 18${channels > 16 ? ", stride: 2, projection: true" : ""}}`)
  .join(", ");

describe("a picture of a network", () => {
  it("puts a norm and an activation into the box of what they follow", () => {
    const { boxes } = pictureOf(SMALL);
    expect(boxes.find(({ id }) => id === "stem.conv")!.lines).toEqual(["conv 3×3, 16 channels", "batch norm, relu"]);
    expect(boxes.map(({ id }) => id)).not.toContain("stem.norm");
  });

  it("marks shortcuts, through a projection too", () => {
    const { arrows } = pictureOf(SMALL);
    const shortcuts = arrows.filter(({ isShortcut }) => isShortcut).map(({ from, to }) => `${from} → ${to}`);
    expect(shortcuts).toEqual([
      "stem.conv → stages.0.blocks.0.add",
      "stages.0.blocks.0.add → stages.1.blocks.0.projection.conv",
      "stages.1.blocks.0.projection.conv → stages.1.blocks.0.add",
      "stages.1.blocks.0.add → stages.1.blocks.1.add",
    ]);
  });

  it("folds equal blocks in a row, and says how many they are", () => {
    const { frames, boxes } = pictureOf(SMALL);
    expect(frames.map(({ title }) => title)).toEqual([
      "stage 0",
      "block 0",
      "stage 1",
      "block 0",
      "blocks 1 to 3: 3 equal blocks",
    ]);
    expect(boxes.map(({ id }) => id)).not.toContain("stages.1.blocks.2.conv1");
    expect(pictureOf(SMALL, { unfold: true }).frames).toHaveLength(7);
  });

  it("is as small for 110 layers as for 20", () => {
    expect(pictureOf(RESNET_110).boxes).toHaveLength(pictureOf(RESNET_110.replaceAll("18", "3")).boxes.length);
    // images and stem, three boxes a block, two projections, pooling and classifier
    expect(pictureOf(RESNET_110, { unfold: true }).boxes).toHaveLength(2 + 54 * 3 + 2 + 2);
  });
});

interface Rectangle {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

function rectangles(svg: string, group: RegExp): Rectangle[] {
  const found = svg.split("\n").filter((line) => group.test(line));
  return found.map((line) => {
    const rect =
      /<rect x="([\d.-]+)" y="([\d.-]+)" width="([\d.]+)" height="([\d.]+)" rx="[\d.]+"\/>(?=(<text|<\/g))/.exec(line)!;
    const [x, y, width, height] = rect.slice(1, 5).map(Number) as [number, number, number, number];
    return { x, y, width, height };
  });
}

const overlap = (one: Rectangle, other: Rectangle): boolean =>
  one.x < other.x + other.width &&
  other.x < one.x + one.width &&
  one.y < other.y + other.height &&
  other.y < one.y + one.height;
const holds = (outer: Rectangle, inner: Rectangle): boolean =>
  outer.x <= inner.x &&
  outer.y <= inner.y &&
  inner.x + inner.width <= outer.x + outer.width &&
  inner.y + inner.height <= outer.y + outer.height;

describe("as SVG", () => {
  it.each([false, true])("no box covers another, and every frame lies in its stage (unfolded: %s)", (unfold) => {
    const svg = svgText(pictureOf(SMALL, { unfold }));
    const boxes = rectangles(svg, /^<g class="box /);
    expect(boxes).toHaveLength(pictureOf(SMALL, { unfold }).boxes.length);
    boxes.forEach((one, index) => boxes.slice(index + 1).forEach((other) => expect(overlap(one, other)).toBe(false)));
    const stages = rectangles(svg, /^<g class="frame stage/);
    const blocks = rectangles(svg, /^<g class="frame block/);
    for (const block of blocks) expect(stages.filter((stage) => holds(stage, block))).toHaveLength(1);
    const [width, height] = /viewBox="0 0 (\d+) (\d+)"/.exec(svg)!.slice(1).map(Number) as [number, number];
    const page = { x: 0, y: 0, width, height };
    for (const box of [...boxes, ...stages]) expect(holds(page, box)).toBe(true);
  });

  it("has colours for light and for dark pages, a title and a description", () => {
    const svg = svgText(pictureOf(SMALL));
    expect(svg).toContain("@media (prefers-color-scheme: dark)");
    expect(svg).toContain("<title>net</title>");
    expect(svg).toContain("2 stages, 8 convolutions drawn");
  });

  it("takes any name as text and not as markup", () => {
    const svg = svgText(pictureOf(SMALL, {}, `<script>alert("1")</script> & 'ü'`));
    expect(svg).not.toContain("<script>");
    expect(svg).toContain("&#60;script&#62;alert(&#34;1&#34;)&#60;/script&#62; &#38; &#39;ü&#39;");
  });
});

it("as Mermaid, draws a small network", () => {
  expect("\n" + mermaidText(pictureOf("{channels: 16, blocks: 2}"))).toMatchInlineSnapshot(`
    "
    ---
    title: "net"
    ---
    flowchart TD
      n0(["images"])
      n1["conv 3×3, 16 channels<br/>batch norm, relu"]
      n5[/"global average pool"\\]
      n6["linear, 10 classes"]
      subgraph n7["stage 0"]
        subgraph n8["blocks 0 to 1: 2 equal blocks"]
          n2["conv 3×3, 16 channels<br/>batch norm, relu"]
          n3["conv 3×3, 16 channels<br/>batch norm"]
          n4(("+<br/>relu"))
        end
      end
      n0 -- "32×32×3" --> n1
      n1 -- "32×32×16" --> n2
      n2 -- "32×32×16" --> n3
      n3 -- "32×32×16" --> n4
      n1 -. "32×32×16" .-> n4
      n4 -- "32×32×16" --> n5
      n5 -- "16" --> n6
    "
  `);
});

it("as DOT, draws the same, with any name", () => {
  const text = dotText(pictureOf("{channels: 16, blocks: 2}", {}, `a "b" \\c`));
  expect("\n" + text).toMatchInlineSnapshot(`
    "
    digraph "a \\"b\\" \\\\c" {
      label="a \\"b\\" \\\\c"; labelloc=t; fontname="Helvetica";
      node [shape=box, style=rounded, fontname="Helvetica"]; edge [fontname="Helvetica", fontsize=10];
      "input" [label="images"];
      "stem.conv" [label="conv 3×3, 16 channels\\nbatch norm, relu"];
      "pooling" [label="global average pool"];
      "classifier" [label="linear, 10 classes"];
      subgraph "cluster stages.0" {
        label="stage 0";
        subgraph "cluster stages.0.blocks.0" {
          label="blocks 0 to 1: 2 equal blocks";
          "stages.0.blocks.0.conv1" [label="conv 3×3, 16 channels\\nbatch norm, relu"];
          "stages.0.blocks.0.conv2" [label="conv 3×3, 16 channels\\nbatch norm"];
          "stages.0.blocks.0.add" [label="+\\nrelu", shape=circle];
        }
      }
      "input" -> "stem.conv" [label="32×32×3"];
      "stem.conv" -> "stages.0.blocks.0.conv1" [label="32×32×16"];
      "stages.0.blocks.0.conv1" -> "stages.0.blocks.0.conv2" [label="32×32×16"];
      "stages.0.blocks.0.conv2" -> "stages.0.blocks.0.add" [label="32×32×16"];
      "stem.conv" -> "stages.0.blocks.0.add" [label="32×32×16", style=dashed];
      "stages.0.blocks.0.add" -> "pooling" [label="32×32×16"];
      "pooling" -> "classifier" [label="16"];
    }
    "
  `);
});
