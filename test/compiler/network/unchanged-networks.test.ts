// Files written before blocks were described in layers mean the networks that they meant then: names, operations, shapes and
// where each value goes. unchanged-networks.json has digests of what the builder of that time made of every configuration and
// fixture here; a file that is not in it came later.
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { compileText } from "../../../src/compiler/compile.js";
import type { ShapedGraph } from "../../../src/compiler/network/graph.js";
import { formatShape } from "../../../src/compiler/network/infer-shapes.js";
import { readBase } from "../../../src/runtime/source/read-base.js";

const root = new URL("../../../", import.meta.url);
const known = JSON.parse(readFileSync(new URL("unchanged-networks.json", import.meta.url), "utf8")) as {
  readonly [file: string]: string;
};

/** What operations had at that time; a setting that came later has the value that it then had for all. */
const settings = ["kernel", "stride", "padding", "channels", "features", "bias", "eps", "momentum", "scale", "factor"];

function digestOf({ nodes }: ShapedGraph): string {
  const lines = nodes.map(({ name, op, inputs, shape }) => {
    const said = settings.map((key) => JSON.stringify((op as Readonly<Record<string, unknown>>)[key] ?? null));
    return [name, op.kind, inputs.join(" "), formatShape(shape), ...said].join("|");
  });
  return createHash("sha256").update(lines.join("\n")).digest("hex").slice(0, 16);
}

it.each(Object.entries(known))("%s has its network", (file, digest) => {
  const { value } = compileText(readFileSync(new URL(file, root), "utf8"), fileURLToPath(new URL(file, root)), {
    readBase,
  });
  expect(value && digestOf(value.graph)).toBe(digest);
});
