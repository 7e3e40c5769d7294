// A block's name → its description, with what it extends laid under it. A file's own blocks come beside those that netc has, and none has the name of one of these.
import type { BlockDefinition, BlocksConfig, BlockSetting, Layers } from "../config.js";
import type { Path } from "../diagnostics/diagnostic.js";
import { shippedBlocks } from "./shipped.js";

/** Layers with the place that describes them, where that is in the file. */
export interface Described {
  readonly layers: Layers;
  readonly path: Path | undefined;
}

export interface Block {
  readonly name: string;
  readonly settings: Readonly<Record<string, BlockSetting>>;
  readonly before: Described;
  readonly branch: readonly Described[];
  readonly shortcut: boolean;
  readonly identity: Described;
  readonly projection: Described | "none" | undefined;
  readonly after: Described;
  /** Where the file describes it; undefined for one of netc's. */
  readonly path: Path | undefined;
}

const nothing: Described = { layers: [], path: undefined };

/** Undefined where there is no such block, or it extends itself; `chain` are the blocks that extend it. */
export function findBlock(name: string, own: BlocksConfig, chain: readonly string[] = []): Block | undefined {
  const isOwn = !Object.hasOwn(shippedBlocks, name);
  const blocks = isOwn ? own : shippedBlocks;
  if (!Object.hasOwn(blocks, name) || chain.includes(name)) return undefined;
  const definition = blocks[name]!;
  const base = definition.extends === null ? undefined : findBlock(definition.extends, own, [...chain, name]);
  if (definition.extends !== null && !base) return undefined;
  return laidOver(name, definition, base, isOwn ? ["blocks", name] : undefined);
}

function laidOver(name: string, own: BlockDefinition, base: Block | undefined, path: Path | undefined): Block {
  const described = (layers: Layers | null, key: string, inherited: Described = nothing): Described =>
    layers === null ? inherited : { layers, path: path && [...path, key] };
  const end = own.end.length > 0 ? [described(own.end, "end")] : [];
  return {
    name,
    path,
    settings: { ...base?.settings, ...own.settings },
    before: described(own.before, "before", base?.before),
    branch: [...(own.branch === null ? (base?.branch ?? []) : [described(own.branch, "branch")]), ...end],
    shortcut: own.shortcut ?? base?.shortcut ?? true,
    identity: described(own.identity, "identity", base?.identity),
    projection:
      own.projection === null
        ? base?.projection
        : own.projection === "none"
          ? "none"
          : described(own.projection, "projection"),
    after: described(own.after, "after", base?.after),
  };
}
