// Picture → SVG: a layered layout (Sugiyama et al. 1981, by dagre), drawn in colours that suit light and dark pages.
import dagre from "@dagrejs/dagre";
import type { Arrow, Box, Frame, Picture } from "./picture.js";
import { escaped, round } from "./svg-text.js";

const CHARACTER_WIDTH = 6.9; // pixels of the font below, on average
const LINE_HEIGHT = 15;
const MARGIN = 16;
const TITLE_HEIGHT = 28;
const FRAME_TITLE_HEIGHT = 16;

interface Point {
  readonly x: number;
  readonly y: number;
}
interface Placed extends Point {
  readonly width: number;
  readonly height: number;
}

export function svgText(picture: Picture): string {
  const { width, height, boxes, frames, arrows } = withRoomForTitles(layOut(picture), picture);
  const size = { width: Math.ceil(width + 2 * MARGIN), height: Math.ceil(height + 2 * MARGIN + TITLE_HEIGHT) };
  const depth = (frame: Frame): number => (frame.parent === undefined ? 0 : 1);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${size.width} ${size.height}" width="${size.width}" height="${size.height}" role="img" class="netc-network">`,
    `<title>${escaped(picture.title)}</title>`,
    `<desc>${escaped(describe(picture))}</desc>`,
    STYLE,
    ARROWHEAD,
    `<rect class="page" width="100%" height="100%"/>`,
    `<text class="title" x="${MARGIN}" y="${MARGIN + 6}">${escaped(picture.title)}</text>`,
    `<g transform="translate(${MARGIN} ${MARGIN + TITLE_HEIGHT})">`,
    ...picture.frames
      .toSorted((one, other) => depth(one) - depth(other))
      .map((frame) => frameElement(frame, frames.get(frame)!)),
    ...picture.arrows.map((arrow) => arrowElement(arrow, arrows.get(arrow)!)),
    ...picture.frames.map((frame) => frameTitle(frame, frames.get(frame)!)),
    ...picture.boxes.map((box) => boxElement(box, boxes.get(box)!)),
    "</g>",
    "</svg>",
    "",
  ].join("\n");
}

interface Route extends Point {
  /** From box to box; x and y are the label's. */
  readonly points: readonly Point[];
}

/** x and y are middles. */
interface Layout {
  readonly width: number;
  readonly height: number;
  readonly boxes: ReadonlyMap<Box, Placed>;
  readonly frames: ReadonlyMap<Frame, Placed>;
  readonly arrows: ReadonlyMap<Arrow, Route>;
}

function layOut({ boxes, arrows, frames }: Picture): Layout {
  const graph = new dagre.graphlib.Graph({ compound: true, multigraph: true });
  graph.setGraph({ rankdir: "TB", nodesep: 28, ranksep: 22, edgesep: 18 });
  for (const { id, parent } of frames) {
    graph.setNode(id, {});
    if (parent !== undefined) graph.setParent(id, parent);
  }
  for (const box of boxes) {
    graph.setNode(box.id, sizeOf(box));
    if (box.frame !== undefined) graph.setParent(box.id, box.frame);
  }
  arrows.forEach(({ from, to, shape }, index) => {
    const label = { width: shape.length * CHARACTER_WIDTH, height: LINE_HEIGHT, labelpos: "r", weight: 1 };
    graph.setEdge(from, to, label, String(index));
  });
  dagre.layout(graph);
  const { width = 0, height = 0 } = graph.graph();
  const placeOf = (id: string): Placed => graph.node(id) as Placed;
  const routeOf = ({ from, to }: Arrow, index: number): Route =>
    graph.edge({ v: from, w: to, name: String(index) }) as unknown as Route;
  return {
    width,
    height,
    boxes: new Map(boxes.map((box) => [box, placeOf(box.id)])),
    frames: new Map(frames.map((frame) => [frame, placeOf(frame.id)])),
    arrows: new Map(arrows.map((arrow, index) => [arrow, routeOf(arrow, index)])),
  };
}

/** dagre leaves a frame no room for a title: everything below a frame's upper edge moves down by a title's height. */
function withRoomForTitles(layout: Layout, { frames }: Picture): Layout {
  const topOf = ({ y, height }: Placed): number => y - height / 2;
  const tops = [...new Set(frames.map((frame) => topOf(layout.frames.get(frame)!)))];
  const moved = (y: number): number => y + tops.filter((top) => top < y).length * FRAME_TITLE_HEIGHT;
  const movedPoint = <P extends Point>(point: P): P => ({ ...point, y: moved(point.y) });
  const stretched = (frame: Placed): Placed => {
    const [top, bottom] = [moved(topOf(frame)), moved(frame.y + frame.height / 2)];
    return { ...frame, y: (top + bottom) / 2, height: bottom - top };
  };
  return {
    width: layout.width,
    height: moved(layout.height),
    boxes: new Map([...layout.boxes].map(([box, place]) => [box, movedPoint(place)])),
    frames: new Map([...layout.frames].map(([frame, place]) => [frame, stretched(place)])),
    arrows: new Map(
      [...layout.arrows].map(([arrow, route]) => [
        arrow,
        { ...movedPoint(route), points: route.points.map(movedPoint) },
      ]),
    ),
  };
}

function sizeOf({ kind, lines }: Box): { width: number; height: number } {
  if (kind === "addition") {
    const text = lines.slice(1).join("");
    return { width: 30 + text.length * CHARACTER_WIDTH, height: 30 };
  }
  const longest = Math.max(...lines.map((line) => line.length));
  return { width: longest * CHARACTER_WIDTH + 24, height: lines.length * LINE_HEIGHT + 14 };
}

function boxElement(box: Box, { x, y, width, height }: Placed): string {
  const { kind, id } = box;
  const lines = kind === "addition" ? [box.lines.join(" ")] : box.lines;
  const first = y - ((lines.length - 1) * LINE_HEIGHT) / 2;
  const text = lines.map((line, index) => {
    const quiet = index > 0 ? ' class="quiet"' : "";
    return `<text x="${round(x)}" y="${round(first + index * LINE_HEIGHT)}"${quiet}>${escaped(line)}</text>`;
  });
  const corner = kind === "addition" || kind === "input" ? height / 2 : 5;
  return (
    `<g class="box ${kind}"><title>${escaped(id)}</title>` +
    `<rect x="${round(x - width / 2)}" y="${round(y - height / 2)}" width="${round(width)}" height="${round(height)}" rx="${round(corner)}"/>` +
    `${text.join("")}</g>`
  );
}

function frameElement({ parent, repeats }: Frame, { x, y, width, height }: Placed): string {
  const [left, top] = [x - width / 2, y - height / 2];
  const kind = parent === undefined ? "stage" : "block";
  // A second outline behind it: there are more of this one
  const behind =
    repeats > 1
      ? `<rect x="${round(left + 4)}" y="${round(top + 4)}" width="${round(width)}" height="${round(height)}" rx="8"/>`
      : "";
  return (
    `<g class="frame ${kind}">${behind}` +
    `<rect x="${round(left)}" y="${round(top)}" width="${round(width)}" height="${round(height)}" rx="8"/></g>`
  );
}

/** Apart from its frame, since arrows run below it. */
function frameTitle({ title }: Frame, { x, y, width, height }: Placed): string {
  const [left, top] = [x - width / 2, y - height / 2];
  return `<text class="frame-title" x="${round(left + 8)}" y="${round(top + 13)}">${escaped(title)}</text>`;
}

function arrowElement({ shape, isShortcut }: Arrow, { points, x, y }: Route): string {
  const kind = isShortcut ? "arrow shortcut" : "arrow";
  return `<g class="${kind}"><path d="${curve(points)}" marker-end="url(#netc-arrowhead)"/><text x="${round(x)}" y="${round(y)}">${escaped(shape)}</text></g>`;
}

/** Straight where there are two points, else through the middles between them, each a corner rounded off. */
function curve(points: readonly Point[]): string {
  const [start, ...rest] = points as [Point, ...Point[]];
  const end = rest.pop()!;
  const at = ({ x, y }: Point): string => `${round(x)} ${round(y)}`;
  const middles = rest.map((point, index) => {
    const next = rest[index + 1] ?? end;
    return rest[index + 1] ? { x: (point.x + next.x) / 2, y: (point.y + next.y) / 2 } : end;
  });
  if (rest.length === 0) return `M${at(start)}L${at(end)}`;
  return `M${at(start)}` + rest.map((point, index) => `Q${at(point)} ${at(middles[index]!)}`).join("");
}

function describe({ boxes, frames }: Picture): string {
  const stages = frames.filter(({ parent }) => parent === undefined).length;
  const convolutions = boxes.filter(({ kind }) => kind === "convolution").length;
  return `A network drawn from images above to classes below: ${stages} stages, ${convolutions} convolutions drawn.`;
}

const STYLE = `<style>
.netc-network { --page: #ffffff; --ink: #1c2430; --quiet: #566175; --line: #8792a6; --stage: #f3f5f9; --block: #ffffff; --box: #e8eefc; --box-line: #4a6fd4; --pool: #e6f4ec; --pool-line: #2f8a57; --ends: #fdf0dc; --ends-line: #b4741a; --shortcut: #c0392b; font: 12px system-ui, sans-serif; }
@media (prefers-color-scheme: dark) { .netc-network { --page: #14181f; --ink: #e8ecf3; --quiet: #a5b0c2; --line: #6d7a90; --stage: #1b212b; --block: transparent; --box: #22304f; --box-line: #7e9df0; --pool: #1d3a2b; --pool-line: #5fc48e; --ends: #3d2f18; --ends-line: #e0a850; --shortcut: #ff8a7a; } }
.netc-network .page { fill: var(--page); }
.netc-network text { fill: var(--ink); text-anchor: middle; dominant-baseline: central; }
.netc-network .title { text-anchor: start; font-size: 16px; font-weight: 600; }
.netc-network .quiet, .netc-network .arrow text { fill: var(--quiet); font-size: 11px; }
.netc-network .frame rect { stroke: var(--line); }
.netc-network .stage rect { fill: var(--stage); }
.netc-network .block rect { fill: var(--block); stroke-dasharray: 4 3; }
.netc-network .frame-title { text-anchor: start; fill: var(--quiet); font-size: 11px; font-weight: 600; paint-order: stroke; stroke: var(--page); stroke-width: 3px; }
.netc-network .box rect { fill: var(--box); stroke: var(--box-line); }
.netc-network .pooling rect { fill: var(--pool); stroke: var(--pool-line); }
.netc-network .input rect, .netc-network .linear rect, .netc-network .addition rect { fill: var(--ends); stroke: var(--ends-line); }
.netc-network .arrow path { fill: none; stroke: var(--line); stroke-width: 1.4; }
.netc-network .shortcut path { stroke: var(--shortcut); stroke-width: 1.8; }
.netc-network .arrow text { paint-order: stroke; stroke: var(--page); stroke-width: 3px; }
</style>`;

const ARROWHEAD =
  '<defs><marker id="netc-arrowhead" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto-start-reverse"><path d="M0 0L8 4L0 8z" fill="context-stroke" style="stroke: none"/></marker></defs>';
