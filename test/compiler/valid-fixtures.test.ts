// Right files and what they mean: input.yaml resolves to resolved.yaml. UPDATE_FIXTURES=1 writes it anew.
import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { readBase } from "../../src/runtime/source/read-base.js";
import { loadConfig } from "../../src/compiler/front/load-config.js";
import { printConfig } from "../../src/compiler/front/yaml/print-config.js";

const root = fileURLToPath(new URL("../fixtures/valid/", import.meta.url));

it.each(readdirSync(root))("%s", (name) => {
  const path = `${root}${name}/input.yaml`;
  const { value, diagnostics } = loadConfig(readFileSync(path, "utf8"), path, { readBase });
  expect(diagnostics).toEqual([]);
  const resolved = printConfig(value!.config);
  if (process.env["UPDATE_FIXTURES"]) writeFileSync(`${root}${name}/resolved.yaml`, resolved);
  expect(resolved).toBe(readFileSync(`${root}${name}/resolved.yaml`, "utf8"));
  expect(loadConfig(resolved, "resolved.yaml").value!.config).toEqual(value!.config);
});
