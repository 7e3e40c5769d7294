// The report and the live page in a real browser: they pass axe's accessibility rules, open without a network, and follow
// a run that goes on.
import { pathToFileURL } from "node:url";
import { join } from "node:path";
import { appendFile, readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import type { Browser, Page } from "playwright-core";
import { chromium } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { runFolderAt } from "../../src/runtime/run/run-folder.js";
import { startWatchServer } from "../../src/cli/watch/watch-server.js";
import { oneRun } from "../../src/cli/watch/watched-runs.js";
import { netc } from "../support/netc.js";
import { temporaryFolder } from "../support/temporary-folder.js";
import { programOf, runTiny } from "../support/tiny-run.js";

let browser: Browser;
beforeAll(async () => {
  browser = await chromium.launch({
    executablePath: process.env["NETC_CHROMIUM"] ?? "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking", "--disable-sync"],
  });
});
afterAll(() => browser.close());

async function axeViolations(page: Page): Promise<string[]> {
  const axe = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
  await page.evaluate(axe);
  const result = (await page.evaluate("axe.run()")) as { violations: { id: string; nodes: { html: string }[] }[] };
  return result.violations.map(({ id, nodes }) => `${id}: ${nodes[0]!.html.slice(0, 200)}`);
}

describe("the report of a run", () => {
  it.each(["light", "dark"] as const)(
    "passes axe's rules on a %s page and asks the network for nothing",
    async (scheme) => {
      const folder = await temporaryFolder();
      await netc(["run", "configs/smoke.yaml", "--out", join(folder, "run")]);
      await netc(["report", join(folder, "run"), "--out", join(folder, "report.html")]);
      const page = await browser.newPage({ colorScheme: scheme });
      const requests: string[] = [];
      page.on("request", (request) => requests.push(request.url()));
      await page.goto(pathToFileURL(join(folder, "report.html")).href);
      expect(await axeViolations(page)).toEqual([]);
      await page.evaluate("document.querySelectorAll('details').forEach((details) => { details.open = true; })");
      expect(await axeViolations(page)).toEqual([]);
      expect(requests.filter((url) => !url.startsWith("file:"))).toEqual([]);
      expect(await page.locator("svg.chart").count()).toBe(3);
      expect(await page.locator("svg.netc-network").isVisible()).toBe(true);
      expect(await page.getByText("Time by kernel", { exact: true }).isVisible()).toBe(true);
      expect(await page.getByRole("heading", { name: "Confusion matrix" }).isVisible()).toBe(true);
      expect(await page.getByRole("rowheader", { name: "class 2" }).isVisible()).toBe(true);
      expect(await page.getByRole("heading", { name: "Samples" }).isVisible()).toBe(true);
      expect(await page.getByText("configs/smoke.yaml:").first().isVisible()).toBe(true);
      await page.close();
    },
  );

  it("compares runs side by side", async () => {
    const [one, other] = [await temporaryFolder(), await temporaryFolder()];
    await runTiny(one, programOf());
    await runTiny(other, programOf(), { maxSteps: 5 });
    const file = join(one, "comparison.html");
    expect((await netc(["report", one, other, "--out", file])).exitCode).toBe(0);
    const page = await browser.newPage();
    await page.goto(pathToFileURL(file).href);
    expect(await page.getByRole("heading", { level: 1 }).textContent()).toBe("2 runs compared");
    expect(await axeViolations(page)).toEqual([]);
    await page.close();
  });
});

it("the page of a network alone passes axe's rules and lists every layer", async () => {
  const { output } = await netc(["graph", "configs/resnet-20.yaml", "--format", "html"]);
  const page = await browser.newPage();
  await page.setContent(output);
  expect(await axeViolations(page)).toEqual([]);
  expect(await page.locator("tbody tr").count()).toBeGreaterThan(60);
  await page.close();
});

describe("the live page of a run", () => {
  it("follows the run, comes back after the server was away, and passes axe's rules", async () => {
    const path = await temporaryFolder();
    await runTiny(path, programOf(), { maxSteps: 5 });
    const folder = runFolderAt(path);
    const timing = { poll: 100, heartbeat: 1000 };
    let server = await startWatchServer(oneRun(folder), 0, timing);
    const page = await browser.newPage();
    await page.goto(server.url);
    const steps = page.locator("dt:text-is('steps') + dd");
    await expectText(steps, "5 of 12");
    expect(await axeViolations(page)).toEqual([]);
    await runTiny(path, programOf());
    await expectText(steps, "12 of 12");
    const port = Number(new URL(server.url).port);
    await server.close();
    await expectText(page.locator("#connection"), "the connection is lost; trying again");
    await appendFile(folder.events, "");
    server = await startWatchServer(oneRun(folder), port, timing);
    await expectText(page.locator("#connection"), /^live, last update at \d/);
    await page.close();
    await server.close();
  });
});

async function expectText(locator: ReturnType<Page["locator"]>, text: string | RegExp): Promise<void> {
  await expect
    .poll(() => locator.textContent(), { timeout: 20_000 })
    .toEqual(typeof text === "string" ? text : expect.stringMatching(text));
}
