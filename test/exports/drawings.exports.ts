// What `netc graph` writes for others to draw, drawn by them: Mermaid in Chromium, and Graphviz. Whatever a network is called, its
// name is the picture's title and nothing else.
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { chromium as launcher } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { compileText } from "../../src/compiler/compile.js";
import { invariant } from "../../src/compiler/diagnostics/diagnostic.js";
import { printable } from "../../src/compiler/diagnostics/printable.js";
import { dotText } from "../../src/compiler/targets/picture/dot.js";
import { mermaidText } from "../../src/compiler/targets/picture/mermaid.js";
import type { Picture } from "../../src/compiler/targets/picture/picture.js";
import { drawPicture } from "../../src/compiler/targets/picture/picture.js";
import { chromium, peersFolder } from "./peers.js";

/** What a name may try: to end a label, a line or the front matter, and to be markup or an entity. */
const NAMES = [
  "plain",
  "a'b\"c\\",
  '"]; x --> y; ["',
  "</title><script>alert(1)</script>",
  "---\ntitle: other\n---",
  "%% comment %%{init: {}}%%",
  "end; subgraph click n0 call",
  "#35; &amp; &quot; `x` **y**",
  "\\N \\G \\l \\",
  "ÄÖ 网络 😀 \u2028",
  "1",
  "null",
];

let resnet: string;

beforeAll(async () => {
  resnet = await readFile(new URL("../../configs/resnet-20.yaml", import.meta.url), "utf8");
});

function pictureOf(name?: string): Picture {
  const { value, diagnostics } = compileText(resnet, "resnet-20.yaml");
  invariant(value, JSON.stringify(diagnostics));
  return drawPicture(name ?? value.config.name, value.graph);
}

/** As it is shown: space is one space wherever it is. */
function shown(text: string): string {
  return text.replaceAll(/\s+/g, " ").trim();
}

describe("Mermaid", () => {
  let browser: Browser;
  let page: Page;

  beforeAll(async () => {
    browser = await launcher.launch({ executablePath: chromium, args: ["--no-sandbox", "--disable-gpu"] });
    page = await browser.newPage({ viewport: { width: 1000, height: 2200 } });
    await page.setContent("<!doctype html><body></body>");
    await page.addScriptTag({ path: join(peersFolder, "node_modules/mermaid/dist/mermaid.min.js") });
    await page.evaluate("mermaid.initialize({ startOnLoad: false })");
  });

  afterAll(() => browser.close());

  async function drawn(text: string): Promise<{ title: string; nodes: number; arrows: number; scripts: number }> {
    return await page.evaluate(`(async () => {
      const { svg } = await mermaid.render("drawing", ${JSON.stringify(text)});
      document.body.innerHTML = svg;
      const count = (selector) => document.querySelectorAll(selector).length;
      return {
        title: document.querySelector(".flowchartTitleText")?.textContent ?? "",
        nodes: count("g.node"),
        arrows: count("path.flowchart-link"),
        scripts: count("svg script, svg a, svg image"),
      };
    })()`);
  }

  it("draws every box and every arrow of ResNet-20", async () => {
    const picture = pictureOf();
    const { title, nodes, arrows } = await drawn(mermaidText(picture));
    expect(title).toBe("resnet-20");
    expect([nodes, arrows]).toEqual([picture.boxes.length, picture.arrows.length]);
    const place = process.env["DRAWINGS"];
    if (place) await page.screenshot({ path: join(place, "mermaid.png") });
  });

  it.each(NAMES)("takes %j for a title", async (name) => {
    const picture = pictureOf(name);
    const { title, nodes, scripts } = await drawn(mermaidText(picture));
    expect(shown(title)).toBe(shown(printable(name).replaceAll("<", "‹").replaceAll(">", "›")));
    expect([nodes, scripts]).toEqual([picture.boxes.length, 0]);
  });
});

describe("Graphviz", () => {
  let layout: (text: string) => string;

  beforeAll(async () => {
    const path = createRequire(`${peersFolder}/package.json`).resolve("@hpcc-js/wasm-graphviz");
    const { Graphviz } = (await import(path)) as {
      Graphviz: { load(): Promise<{ layout(text: string, format: string, engine: string): string }> };
    };
    const graphviz = await Graphviz.load();
    layout = (text) => graphviz.layout(text, "svg", "dot");
  });

  /** Text of the drawing's own label, and how many nodes and edges there are. */
  function found(svg: string): { title: string; nodes: number; arrows: number } {
    // The graph's own texts come last before its first cluster or node
    const [head = ""] = svg.split(/<g id="(?:clust|node)1"/);
    const lines = [...head.matchAll(/<text [^>]*>([^<]*)<\/text>/g)].map(([, text]) => text!);
    const title = lines.join(" ").replaceAll(/&#(\d+);/g, (_, code: string) => String.fromCodePoint(Number(code)));
    const entities: Readonly<Record<string, string>> = { "&lt;": "<", "&gt;": ">", "&quot;": '"', "&amp;": "&" };
    return {
      title: title.replaceAll(/&(lt|gt|quot|amp);/g, (entity) => entities[entity]!),
      nodes: [...svg.matchAll(/class="node"/g)].length,
      arrows: [...svg.matchAll(/class="edge"/g)].length,
    };
  }

  it("draws every box and every arrow of ResNet-20", async () => {
    const picture = pictureOf();
    const svg = layout(dotText(picture));
    expect(found(svg)).toEqual({ title: "resnet-20", nodes: picture.boxes.length, arrows: picture.arrows.length });
    const place = process.env["DRAWINGS"];
    if (place) {
      const browser = await launcher.launch({ executablePath: chromium, args: ["--no-sandbox", "--disable-gpu"] });
      const page = await browser.newPage({ viewport: { width: 1000, height: 2200 } });
      await page.setContent(svg);
      await page.screenshot({ path: join(place, "dot.png") });
      await browser.close();
    }
  });

  it.each(NAMES)("takes %j for a title", (name) => {
    const picture = pictureOf(name);
    const { title, nodes } = found(layout(dotText(picture)));
    expect(shown(title)).toBe(shown(printable(name)));
    expect(nodes).toBe(picture.boxes.length);
  });
});
