// The blocks that come with netc as options of a stage's `block`: each with its settings.
import { invariant } from "../diagnostics/diagnostic.js";
import type { Option } from "../front/language/forms.js";
import { findBlock } from "./find-block.js";
import { settingForms } from "./setting-forms.js";
import { shippedBlocks } from "./shipped.js";

export function stageBlocks(): Readonly<Record<string, Option>> {
  return Object.fromEntries(
    Object.entries(shippedBlocks).map(([name, { description, source }]) => {
      const block = findBlock(name, {});
      invariant(block && description, `the block ${name} is not whole`);
      const settings = Object.keys(block.settings).length > 0 ? settingForms(block) : null;
      return [name, { description, settings, ...(source ? { source } : {}) }];
    }),
  );
}
