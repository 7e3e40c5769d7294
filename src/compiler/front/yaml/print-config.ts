// A resolved configuration as YAML text that the compiler reads back to the same configuration.
import { Document, isCollection, isMap, isScalar, visit } from "yaml";
import type { ResolvedConfig } from "../../config.js";
import { printable, printableDocument } from "../../diagnostics/printable.js";

/** Small maps and lists stand on one line, as one would write them by hand. */
export function printConfig(config: ResolvedConfig): string {
  const document = new Document(config, { version: "1.2", aliasDuplicateObjects: false });
  visit(document, {
    Scalar(_, node) {
      // In double quotes, where escapes are: YAML has none of these characters as they are, or hides what they do
      if (typeof node.value === "string" && printable(node.value) !== node.value) node.type = "QUOTE_DOUBLE";
    },
    Collection(key, node) {
      const isNested = key !== null && node.items.every((item) => !isCollection(valueOf(item)));
      if (isNested && node.items.length <= 4) node.flow = true;
      // A map that holds one small map, as `batch: {eps: 1e-5, momentum: 0.1}` does.
      if (isMap(node) && key !== null && node.items.length === 1 && isSmall(node.items[0]!.value)) node.flow = true;
    },
  });
  return printableDocument(document.toString({ lineWidth: 0, flowCollectionPadding: false }));
}

function valueOf(item: unknown): unknown {
  return item !== null && typeof item === "object" && "value" in item && !isScalar(item) ? item.value : item;
}

function isSmall(node: unknown): boolean {
  return isCollection(node) && node.items.length <= 3 && node.items.every((item) => !isCollection(valueOf(item)));
}
