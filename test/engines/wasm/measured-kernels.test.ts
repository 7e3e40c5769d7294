import { mkdir, rename, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { pathToFileURL } from "node:url";
import { expect, it } from "vitest";
import { digestOf, measuredFile, modulesIn, surroundings } from "../../../src/runtime/engines/wasm/measured-kernels.js";
import { temporaryFolder } from "../../support/temporary-folder.js";

it("keeps winners apart by version, code, JavaScript engine, processor and its instructions", () => {
  const here = surroundings();
  const others = Object.keys(here).map((key) => measuredFile({ ...here, [key]: "another" }));
  expect(new Set([measuredFile(here), ...others]).size).toBe(6);
  expect(measuredFile()).toBe(measuredFile(surroundings()));
});

it("takes every module for code that lowers convolutions or hands them to a library", () => {
  const { code } = surroundings();
  expect(code).toMatch(/^[0-9a-f]{64}$/);
  const built = new URL("../../../dist/", import.meta.url);
  const lower = modulesIn(new URL("compiler/lower/", built)).map(({ pathname }) => basename(pathname));
  expect(lower).toEqual(expect.arrayContaining(["convolution-plan.js", "emit-library.js", "emit-winograd.js"]));
  const engine = modulesIn(new URL("runtime/engines/wasm/", built)).map(({ pathname }) => basename(pathname));
  expect(engine).toEqual(
    expect.arrayContaining(["parts.js", "tap-products.js", "thread-pool.js", "choose-kernels.js"]),
  );
});

it("sees another line in a module, another name of it, and one more", async () => {
  const folder = await temporaryFolder();
  await mkdir(join(folder, "deep"));
  const digest = () => digestOf(modulesIn(pathToFileURL(`${folder}/`)));
  const digests = [digest()];
  await writeFile(join(folder, "deep", "plan.js"), "const CHUNK = 1;");
  digests.push(digest());
  await writeFile(join(folder, "deep", "plan.js"), "const CHUNK = 2;");
  digests.push(digest());
  await rename(join(folder, "deep", "plan.js"), join(folder, "deep", "chunk.js"));
  digests.push(digest());
  expect(new Set(digests).size).toBe(4);
  await writeFile(join(folder, "plan.js.map"), "{}"); // not run
  expect(digest()).toBe(digests.at(-1));
});
