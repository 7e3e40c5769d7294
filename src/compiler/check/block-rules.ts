// What blocks, and what stages ask of them, say by themselves: names that there are, expressions that can be read, settings that
// somebody reads. Whether their shapes meet shows only when the network is built.
import { NAMES } from "../blocks/block-form.js";
import { parseExpression } from "../blocks/expression.js";
import { findBlock } from "../blocks/find-block.js";
import type { Block } from "../blocks/find-block.js";
import { layersForm } from "../blocks/layers.js";
import { shippedBlocks } from "../blocks/shipped.js";
import { readsIn, readsOfBlock } from "../blocks/walk-layers.js";
import type { Read } from "../blocks/walk-layers.js";
import type { BlocksConfig, ResolvedConfig } from "../config.js";
import type { Diagnostic, Path } from "../diagnostics/diagnostic.js";
import { nearest, snakeCase } from "../diagnostics/suggest.js";
import { quoted } from "../front/language/describe.js";
import { otherBlockNames } from "../front/language/other-names.js";
import type { ConfigRule } from "./rule.js";
import { withoutEffect } from "./without-effect.js";

export const blockRules: readonly ConfigRule[] = [
  blocksHaveNamesOfTheirOwn,
  blocksExist,
  basesExist,
  blocksHaveLayers,
  settingsExist,
  expressionsCanBeRead,
  settingsAreRead,
  blocksAreUsed,
  projectionsExist,
];

function blocksHaveNamesOfTheirOwn({ blocks }: ResolvedConfig): readonly Diagnostic[] {
  const taken = Object.keys(blocks).filter((name) => Object.hasOwn(shippedBlocks, name));
  return taken.map((name) => ({
    code: "block/name-taken",
    severity: "error",
    message: `netc has a block called \`${name}\` already`,
    path: ["blocks", name],
    hint: `call it \`my_${name}\`, here and in the stages; with \`extends: ${name}\` it starts from netc's`,
  }));
}

function blocksExist({ blocks, model }: ResolvedConfig): readonly Diagnostic[] {
  return model.stages.flatMap(({ block }, index): Diagnostic[] => {
    const name = nameOf(block);
    if (Object.hasOwn(blocks, name) || Object.hasOwn(shippedBlocks, name)) return [];
    return [noSuchBlock(`block is ${name}`, name, Object.keys(blocks), ["model", "stages", index, "block"])];
  });
}

/** Also where a block extends itself, by itself or by way of others. */
function basesExist({ blocks }: ResolvedConfig): readonly Diagnostic[] {
  return Object.entries(blocks).flatMap(([name, { extends: base }]): Diagnostic[] => {
    if (base === null) return [];
    const path = ["blocks", name, "extends"];
    if (!Object.hasOwn(blocks, base) && !Object.hasOwn(shippedBlocks, base)) {
      const others = Object.keys(blocks).filter((other) => other !== name);
      return [noSuchBlock(`extends is ${base}`, base, others, path)];
    }
    const chain = [name];
    for (let next = base as string | null; next !== null && Object.hasOwn(blocks, next); next = blocks[next]!.extends) {
      if (next !== name && chain.includes(next)) return []; // a circle further on, reported there
      chain.push(next);
      if (next !== name) continue;
      const message = `blocks extend one another in a circle: ${chain.join(" → ")}`;
      return [{ code: "block/recursion", severity: "error", message, path, hint: "take one `extends` out" }];
    }
    return [];
  });
}

function noSuchBlock(found: string, name: string, own: readonly string[], path: Path): Diagnostic {
  const names = [...Object.keys(shippedBlocks), ...own];
  const snake = snakeCase(name);
  const meant = Object.hasOwn(otherBlockNames, snake) ? otherBlockNames[snake]! : nearest(name, names);
  return {
    code: "block/unknown",
    severity: "error",
    message: `${found}, but there is no such block`,
    path,
    hint: meant ? `write \`${meant}\`` : `describe it under \`blocks\`, or use one of ${quoted(names, "or")}`,
  };
}

function blocksHaveLayers({ blocks }: ResolvedConfig): readonly Diagnostic[] {
  return Object.keys(blocks).flatMap((name): Diagnostic[] => {
    const block = findBlock(name, blocks);
    if (!block || block.branch.some(({ layers }) => layers.length > 0) || block.before.layers.length > 0) return [];
    return [
      {
        code: "block/empty",
        severity: "error",
        message: `the block \`${name}\` has no layers`,
        path: ["blocks", name],
        hint: "add `branch: [{ conv: { kernel: 3, stride: stage } }, norm, activation]`",
      },
    ];
  });
}

/** Those that a stage passes. */
function settingsExist({ blocks, model }: ResolvedConfig): readonly Diagnostic[] {
  return model.stages.flatMap(({ block: chosen }, index) => {
    const block = findBlock(nameOf(chosen), blocks);
    if (!block || typeof chosen === "string") return [];
    const known = Object.keys(block.settings);
    const given = Object.keys(chosen[block.name]!).filter((name) => !known.includes(name));
    return given.map((name): Diagnostic => {
      const meant = nearest(name, known);
      const settings = known.length > 0 ? `its settings are ${quoted(known)}` : "it has no settings";
      return {
        code: "block/unknown-setting",
        severity: "error",
        message: `the block \`${block.name}\` has no setting \`${name}\``,
        path: ["model", "stages", index, "block", block.name, name],
        hint: meant ? `write \`${meant}\`` : settings,
        ...(block.path ? { related: [{ message: "the block is described here", path: block.path }] } : {}),
      };
    });
  });
}

/** Of expressions in the file: their text, and the names in it. */
function expressionsCanBeRead({ blocks, model }: ResolvedConfig): readonly Diagnostic[] {
  const own = Object.keys(blocks).flatMap((name) => {
    const block = findBlock(name, blocks);
    if (!block) return [];
    const names = [...Object.keys(NAMES), "classes", ...Object.keys(block.settings)];
    // What it inherits from another block of the file is looked at there, and there its settings are known
    const isOwn = ({ path }: Read) => path?.[1] === name;
    return readsOfBlock(block)
      .filter(isOwn)
      .flatMap((read) => faultsIn(read, names, `the block \`${name}\``));
  });
  const lists = [
    { layers: model.stem, path: ["model", "stem"] },
    ...model.stages.map(({ before }, index) => ({ layers: before, path: ["model", "stages", index, "before"] })),
    { layers: model.pooling, path: ["model", "pooling"] },
    { layers: model.classifier.layers, path: ["model", "classifier", "layers"] },
  ];
  const inModel = lists.flatMap(({ layers, path }) =>
    readsIn(layersForm, layers, path).flatMap((read) =>
      faultsIn(read, ["here", "classes"], "layers outside of blocks"),
    ),
  );
  return [...own, ...inModel];
}

function faultsIn({ text, form, path }: Read, names: readonly string[], where: string): readonly Diagnostic[] {
  const key = path!.at(-1);
  const isName = form.kind !== "number";
  if (isName && form.kind === "choice" && Object.hasOwn(form.values, text)) return [];
  if (isName && form.kind === "options" && Object.hasOwn(form.options, text)) return [];
  const read = isName ? [text] : parseExpression(text)?.names;
  if (!read) {
    const message = `${key} is \`${text}\`, expected a number or an expression such as \`out / 4\``;
    return [{ code: "block/bad-expression", severity: "error", message, path: path! }];
  }
  return read.flatMap((name): Diagnostic[] => {
    if (names.includes(name)) return [];
    const meant = Object.hasOwn(otherExpressionNames, name) ? otherExpressionNames[name] : nearest(name, names);
    const message = `${key} reads \`${name}\`, which ${where} do${where.startsWith("the") ? "es" : ""} not have`;
    const hint = meant && names.includes(meant) ? `write \`${meant}\`` : `the names here are ${quoted(names)}`;
    return [{ code: "block/bad-expression", severity: "error", message, path: path!, hint }];
  });
}

/** What others call what expressions read. */
const otherExpressionNames: Readonly<Record<string, string>> = {
  stride: "stage",
  in_channels: "in",
  inputs: "in",
  inplanes: "in",
  out_channels: "out",
  channels: "out",
  outputs: "out",
  planes: "out",
  num_classes: "classes",
};

/** By the block's own layers, or by those of a block that extends it. */
function settingsAreRead({ blocks }: ResolvedConfig): readonly Diagnostic[] {
  const read = new Map(Object.keys(blocks).map((name) => [name, namesReadBy(findBlock(name, blocks))]));
  return Object.entries(blocks).flatMap(([name, { settings }]) => {
    const extending = Object.keys(blocks).filter((other) => basesOf(other, blocks).includes(name));
    return Object.keys(settings).flatMap((setting): Diagnostic[] => {
      const path = ["blocks", name, "settings", setting];
      if (Object.hasOwn(NAMES, setting)) {
        const message = `\`${setting}\` is a name that every block has: ${NAMES[setting]}`;
        return [{ code: "block/name-taken", severity: "error", message, path, hint: `call it \`my_${setting}\`` }];
      }
      if ([name, ...extending].some((other) => read.get(other)!.has(setting))) return [];
      const message = `no layer of the block \`${name}\` reads its setting \`${setting}\``;
      return [withoutEffect(message, path, `take \`${setting}\` out, or write it where it is meant`)];
    });
  });
}

function namesReadBy(block: Block | undefined): ReadonlySet<string> {
  if (!block) return new Set();
  const defaults = Object.values(block.settings).map(({ default: value }) => value);
  const texts = [
    ...readsOfBlock(block).map(({ text }) => text),
    ...defaults.filter((value) => typeof value === "string"),
  ];
  return new Set(texts.flatMap((text) => [text, ...(parseExpression(text)?.names ?? [])]));
}

/** The block itself, and those of the file that it extends. */
function basesOf(name: string, blocks: BlocksConfig): readonly string[] {
  const chain = new Set<string>();
  for (let next: string | null = name; next !== null && Object.hasOwn(blocks, next) && !chain.has(next);) {
    chain.add(next);
    next = blocks[next]!.extends;
  }
  return [...chain];
}

function blocksAreUsed({ blocks, model }: ResolvedConfig): readonly Diagnostic[] {
  const used = new Set(model.stages.flatMap(({ block }) => basesOf(nameOf(block), blocks)));
  return Object.keys(blocks).flatMap((name) => {
    if (used.has(name)) return [];
    return [
      withoutEffect(`no stage uses the block \`${name}\``, ["blocks", name], `write \`block: ${name}\` in a stage`),
    ];
  });
}

function projectionsExist({ blocks, model }: ResolvedConfig): readonly Diagnostic[] {
  return model.stages.flatMap(({ block: chosen, projection, activation_before_add: isBefore }, index) => {
    const block = findBlock(nameOf(chosen), blocks);
    if (!block) return [];
    const stage = ["model", "stages", index];
    const related = { message: "the block is chosen here", path: [...stage, "block"] };
    const idle = (key: string) =>
      withoutEffect(`the block \`${block.name}\` has no ${key}`, [...stage, key], `take \`${key}\` out`, related);
    const hasProjection =
      block.shortcut &&
      (projection === "subsample" || Array.isArray((block.projection as { layers?: unknown })?.layers));
    const readsActivation = readsOfBlock(block).some(({ text }) =>
      parseExpression(text)?.names.includes("activation_before_add"),
    );
    return [
      ...(projection !== false && !hasProjection ? [idle("projection")] : []),
      ...(isBefore && !readsActivation ? [idle("activation_before_add")] : []),
    ];
  });
}

function nameOf(block: ResolvedConfig["model"]["stages"][number]["block"]): string {
  return typeof block === "string" ? block : Object.keys(block)[0]!;
}
