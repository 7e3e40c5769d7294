// The tf.js model and its page in a real browser: stock TensorFlow.js opens the one and gives netc's logits, the other takes a
// picture by keyboard, by drop and by file, passes axe's rules and asks the network for nothing.
import { createServer } from "node:http";
import type { Server } from "node:http";
import { createRequire } from "node:module";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { extname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { encode } from "fast-png";
import type { Browser } from "playwright-core";
import { chromium as launcher } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { invariant } from "../../src/compiler/diagnostics/diagnostic.js";
import { openRun } from "../../src/runtime/trained/trained-network.js";
import { netc } from "../support/netc.js";
import { networkTexts } from "./networks.js";
import { chromium } from "./peers.js";
import type { Trained } from "./trained.js";
import { distance, folderOf, trainShortly } from "./trained.js";
import { plainFit } from "../support/plain-fit.js";

const require = createRequire(import.meta.url);
let parent: string;
let browser: Browser;
let server: Server;
const exported: { readonly folder: string; readonly trained: Trained; readonly normalized: number[] }[] = [];

beforeAll(async () => {
  parent = await mkdtemp(join(tmpdir(), "netc-tfjs-"));
  for (const [index, text] of networkTexts.entries()) {
    const trained = await trainShortly(text, folderOf(parent, index, "run"), 60);
    const folder = folderOf(parent, index, "page");
    const { exitCode, errors } = await netc(["export", "tfjs", trained.folder, "-o", folder]);
    invariant(exitCode === 0, errors);
    const { mean, std } = trained.program.config.data.normalize;
    const normalized = Array.from(trained.images, (value, at) => {
      const channel = at % mean.length;
      return Math.fround(Math.fround(Math.fround(value / 255) - mean[channel]!) / std[channel]!);
    });
    exported.push({ folder, trained, normalized });
  }
  browser = await launcher.launch({
    executablePath: chromium,
    args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking", "--disable-sync"],
  });
  server = createServer(
    (request, response) =>
      void serve(request.url!, (status, type, body) => {
        response.writeHead(status, { "content-type": type }).end(body);
      }),
  );
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
});

afterAll(async () => {
  await browser.close();
  server.close();
  await rm(parent, { recursive: true, force: true });
});

// Another order of sums; the tf.js cpu backend adds in float32 one by one
const TOLERANCE = 1e-4;

describe("the model in Chromium", () => {
  it("is opened by stock TensorFlow.js over HTTP and gives the same logits", async () => {
    const page = await browser.newPage();
    await page.goto(`${address()}/stock.html`);
    const distances: Record<string, number> = {};
    for (const [index, { trained, normalized }] of exported.entries()) {
      const { height, width, channels } = trained.program.config.model.input;
      const shape = [trained.count, height, width, channels];
      const logits = (await page.evaluate(
        `(async () => {
          await tf.setBackend("cpu");
          const model = await tf.loadLayersModel("/${index}/model.json");
          return Array.from(await model.predict(tf.tensor(${JSON.stringify(normalized)}, ${JSON.stringify(shape)})).data());
        })()`,
      )) as number[];
      distances[trained.program.config.name] = distance(trained.logits, Float32Array.from(logits));
    }
    await page.close();
    console.log("tf.js in Chromium differs by at most", distances);
    for (const [name, value] of Object.entries(distances)) expect(value, name).toBeLessThanOrEqual(TOLERANCE);
  });
});

describe("the page", () => {
  it("classifies a picture as netc does, from a disk, without any network", async () => {
    const { folder, trained } = exported[2]!;
    const [picture] = await firstPicture(trained);
    const page = await browser.newPage();
    const requests: string[] = [];
    page.on("request", (request) => requests.push(request.url()));
    await page.goto(pathToFileURL(join(folder, "index.html")).href);
    await page.getByText("Ready for a picture.").waitFor();
    // By keyboard: the first thing that Tab reaches is where a file is chosen
    await page.keyboard.press("Tab");
    expect(await page.evaluate("document.activeElement.id")).toBe("file");
    await page.locator("#file").setInputFiles(picture);
    await page.locator("#result").waitFor();
    const { errors, output } = await netc(["predict", trained.folder, picture, "--format", "json"]);
    expect(errors).toBe("");
    const logits = (await page.evaluate(
      `netc.decode(document.getElementById("file").files[0]).then((image) => netc.follow(image, "softmax"))
        .then(([logits]) => Array.from(logits))`,
    )) as number[];
    // By the picture's whole way, resizing and views included
    const network = await openRun(trained.folder, { engine: "wasm", threads: 1 });
    const [predicted] = await network.predict([picture]);
    await network.dispose();
    expect(distance(predicted!.logits, Float32Array.from(logits))).toBeLessThanOrEqual(TOLERANCE);
    const names = await page.locator("#classes th").allTextContents();
    const best = trained.source.classes[logits.indexOf(Math.max(...logits))];
    expect(names[0]).toBe(best);
    expect(await page.getByRole("status").textContent()).toMatch(new RegExp(`^${best}, [0-9.]+ percent$`));
    expect(output).toContain(String(best));
    expect(requests.filter((url) => !url.startsWith("file:") && !url.startsWith("blob:"))).toEqual([]);
    await page.close();
  });

  it("prepares a picture of any size to the same bits as netc", async () => {
    const { folder } = exported[0]!;
    const page = await browser.newPage();
    await page.goto(pathToFileURL(join(folder, "index.html")).href);
    const [height, width] = [37, 52];
    const data = Uint8Array.from({ length: height * width * 3 }, (_, at) => (at * 7919) % 251);
    const picture = join(parent, "any.png");
    await writeFile(picture, encode({ width, height, data, channels: 3, depth: 8 }));
    const bytes = (await readFile(picture)).toString("base64");
    const found = (await page.evaluate(
      `(async () => {
        const blob = await (await fetch("data:image/png;base64,${bytes}").catch(() => null))?.blob()
          ?? new Blob([Uint8Array.from(atob("${bytes}"), (c) => c.charCodeAt(0))], { type: "image/png" });
        return Array.from((await netc.follow(await netc.decode(blob), "scale"))[0].pixels);
      })()`,
    )) as number[];
    await page.close();
    const { fitImage } = await import("../../src/runtime/data/images/fit-image.js");
    const expected = fitImage({ pixels: data, channels: 3, height, width }, plainFit({ height: 16, width: 16 }));
    expect(found).toEqual([...expected]);
  });

  it("says what is no picture, and takes one that is dropped", async () => {
    const { folder, trained } = exported[2]!;
    const [picture] = await firstPicture(trained);
    const page = await browser.newPage();
    await page.goto(pathToFileURL(join(folder, "index.html")).href);
    await page.getByText("Ready for a picture.").waitFor();
    await page.locator("#file").setInputFiles({ name: "a.txt", mimeType: "image/png", buffer: Buffer.from("no") });
    await page.getByText(/^a\.txt cannot be read as a picture/).waitFor();
    const bytes = (await readFile(picture)).toString("base64");
    await page.evaluate(`(() => {
      const transfer = new DataTransfer();
      const bytes = Uint8Array.from(atob("${bytes}"), (c) => c.charCodeAt(0));
      transfer.items.add(new File([bytes], "dropped.png", { type: "image/png" }));
      dispatchEvent(Object.assign(new DragEvent("drop", { dataTransfer: transfer, cancelable: true })));
    })()`);
    await page.getByAltText("The picture dropped.png").waitFor();
    expect(await page.locator("#classes tr").count()).toBe(5);
    await page.close();
  });

  it.each(["light", "dark"] as const)(
    "passes axe's rules on a %s page, whatever the network is called",
    async (scheme) => {
      const axe = await readFile(require.resolve("axe-core/axe.min.js"), "utf8");
      for (const { folder, trained } of [exported[2]!, exported.at(-1)!]) {
        const page = await browser.newPage({ colorScheme: scheme });
        await page.goto(pathToFileURL(join(folder, "index.html")).href);
        expect(await page.getByRole("heading", { level: 1 }).textContent()).toBe(trained.program.config.name);
        await page.locator("#file").setInputFiles((await firstPicture(trained))[0]);
        await page.locator("#result").waitFor();
        await page.evaluate(axe);
        const { violations } = (await page.evaluate("axe.run()")) as { violations: { id: string }[] };
        expect(violations.map(({ id }) => id)).toEqual([]);
        if (process.env["NETC_SCREENSHOTS"]) {
          await page.screenshot({ path: join(process.env["NETC_SCREENSHOTS"], `demo-${scheme}.png`), fullPage: true });
        }
        await page.close();
      }
    },
  );

  it("is not written for a network that no picture fits", async () => {
    const { folder } = exported[9]!; // four channels
    await expect(readFile(join(folder, "index.html"))).rejects.toThrow("ENOENT");
  });
});

/** The first test image as a file, and its pixels. */
async function firstPicture({ program, images }: Trained): Promise<[path: string, pixels: Uint8Array]> {
  const { height, width, channels } = program.config.model.input;
  const pixels = images.slice(0, height * width * channels);
  const path = join(parent, `${height}x${width}x${channels}.png`);
  await writeFile(path, encode({ width, height, data: pixels, channels: channels as 1 | 3, depth: 8 }));
  return [path, pixels];
}

function address(): string {
  return `http://127.0.0.1:${(server.address() as { port: number }).port}`;
}

const LIBRARIES = [
  "core/dist/tf-core.min.js",
  "layers/dist/tf-layers.min.js",
  "backend-cpu/dist/tf-backend-cpu.min.js",
];

async function serve(
  url: string,
  answer: (status: number, type: string, body: string | Buffer) => void,
): Promise<void> {
  if (url === "/stock.html") {
    const scripts = LIBRARIES.map((_, place) => `<script src="/library/${place}"></script>`).join("");
    return answer(200, "text/html", `<!doctype html><title>stock</title>${scripts}`);
  }
  const [, folder, file] = url.split("/");
  if (folder === "library") {
    const path = require.resolve(`@tensorflow/tfjs-${LIBRARIES[Number(file)]}`);
    return answer(200, "text/javascript", await readFile(path));
  }
  const place = exported[Number(folder)];
  if (!place || !file) return answer(404, "text/plain", "");
  const type = extname(file) === ".json" ? "application/json" : "application/octet-stream";
  return answer(200, type, await readFile(join(place.folder, file)));
}
