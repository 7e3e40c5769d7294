// Picture → a Mermaid flowchart, which GitHub and many editors draw where a file holds it.
import type { BoxKind, Frame, Picture } from "./picture.js";

export function mermaidText({ title, boxes, arrows, frames }: Picture): string {
  const idOf = new Map([...boxes, ...frames].map(({ id }, index) => [id, `n${index}`]));
  // Titles know no entities, and what looks like a tag is cut out of them
  const plainTitle = title.replaceAll("<", "‹").replaceAll(">", "›");
  const lines = [`---`, `title: ${JSON.stringify(plainTitle)}`, `---`, "flowchart TD"];
  const inFrame = (parent: string | undefined, indent: string): void => {
    for (const box of boxes.filter(({ frame }) => frame === parent)) {
      const [open, close] = BRACKETS[box.kind];
      lines.push(`${indent}${idOf.get(box.id)}${open}"${box.lines.map(escaped).join("<br/>")}"${close}`);
    }
    for (const frame of frames.filter((frame: Frame) => frame.parent === parent)) {
      lines.push(`${indent}subgraph ${idOf.get(frame.id)}["${escaped(frame.title)}"]`);
      inFrame(frame.id, `${indent}  `);
      lines.push(`${indent}end`);
    }
  };
  inFrame(undefined, "  ");
  for (const { from, to, shape, isShortcut } of arrows) {
    lines.push(
      `  ${idOf.get(from)} ${isShortcut ? "-." : "--"} "${escaped(shape)}" ${isShortcut ? ".->" : "-->"} ${idOf.get(to)}`,
    );
  }
  return lines.join("\n") + "\n";
}

const BRACKETS: Readonly<Record<BoxKind, readonly [open: string, close: string]>> = {
  input: ["([", "])"],
  convolution: ["[", "]"],
  pooling: ["[/", "\\]"],
  addition: ["((", "))"],
  linear: ["[", "]"],
  other: ["[", "]"],
};

/** Mermaid's own entities: quotes and angle brackets would end a label or become markup. */
function escaped(text: string): string {
  return text.replaceAll(/[#"<>&`]/g, (character) => `#${character.codePointAt(0)};`);
}
