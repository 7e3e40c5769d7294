import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { compileText } from "../../../src/compiler/compile.js";
import { references } from "../../../src/compiler/targets/reference-names.js";
import { modelView } from "../../../src/runtime/export/pytorch/model-view.js";
import { placeOfPreset } from "../../../src/runtime/source/presets.js";
import { readBase } from "../../../src/runtime/source/read-base.js";

it.each(Object.keys(references))("writes the classes of %s, its own last", (preset) => {
  const path = placeOfPreset(preset);
  const { value } = compileText(readFileSync(path, "utf8"), path, { readBase });
  const { classes, network } = modelView(value!);
  expect(classes.at(-1)!.name).toBe(network);
  expect(new Set(classes.map(({ name }) => name)).size).toBe(classes.length);
});
