// The blocks that come with netc, written out.
import type { BlockDefinition } from "../config.js";
import { fill } from "../front/language/fill.js";
import { blockForm } from "./block-form.js";
import { shippedTexts } from "./shipped-blocks.js";

export const shippedBlocks: Readonly<Record<string, BlockDefinition>> = Object.fromEntries(
  Object.entries(shippedTexts).map(([name, { definition }]) => [name, fill(blockForm, definition) as BlockDefinition]),
);
