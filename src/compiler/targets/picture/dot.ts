// Picture → DOT, the language of Graphviz: for those who have it and want to draw in their own way.
import type { Frame, Picture } from "./picture.js";

export function dotText({ title, boxes, arrows, frames }: Picture): string {
  const lines = [
    `digraph ${quoted(title)} {`,
    `  label=${quoted(title)}; labelloc=t; fontname="Helvetica";`,
    `  node [shape=box, style=rounded, fontname="Helvetica"]; edge [fontname="Helvetica", fontsize=10];`,
  ];
  const inFrame = (parent: string | undefined, indent: string): void => {
    for (const box of boxes.filter(({ frame }) => frame === parent)) {
      const shape = box.kind === "addition" ? ", shape=circle" : "";
      lines.push(`${indent}${quoted(box.id)} [label=${quoted(box.lines.join("\n"))}${shape}];`);
    }
    for (const frame of frames.filter((frame: Frame) => frame.parent === parent)) {
      lines.push(`${indent}subgraph ${quoted(`cluster ${frame.id}`)} {`, `${indent}  label=${quoted(frame.title)};`);
      inFrame(frame.id, `${indent}  `);
      lines.push(`${indent}}`);
    }
  };
  inFrame(undefined, "  ");
  for (const { from, to, shape, isShortcut } of arrows) {
    const style = isShortcut ? ", style=dashed" : "";
    lines.push(`  ${quoted(from)} -> ${quoted(to)} [label=${quoted(shape)}${style}];`);
  }
  return [...lines, "}"].join("\n") + "\n";
}

/** A quote, a backslash where it would begin one of DOT's own escapes, and what labels take for an entity of HTML. */
function quoted(text: string): string {
  return `"${text.replaceAll("&", "&amp;").replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n")}"`;
}
