// What `extends` names → its text: a file relative to the one that extends it, or a network that comes with netc.
import { dirname, isAbsolute, join } from "node:path";
import type { Result, SourceText } from "../../compiler/diagnostics/diagnostic.js";
import { failed, ok } from "../../compiler/diagnostics/diagnostic.js";
import { NotAPlainFile, readPlainFileSync } from "../files/read-plain-file.js";
import { nearest } from "../../compiler/diagnostics/suggest.js";
import { placeOfPreset, presetNames } from "./presets.js";

/** Compiling is synchronous, and so is this. */
export function readBase(name: string, from: SourceText): Result<SourceText> {
  const preset = presetIn(name);
  const path = pathOfBase(name, from);
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(readPlainFileSync(path));
    return ok({ name: preset ? name : path, text });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const reason = code === "ENOENT" ? "there is no file at" : code === "EISDIR" ? "this is a folder:" : "cannot read";
    const found =
      error instanceof NotAPlainFile && code !== "EISDIR" ? `${path} ${error.message}` : `${reason} ${path}`;
    const message = preset ? `no network called ${preset} comes with netc` : found;
    const hint = preset ? nearestPreset(preset) : "a path is relative to this file; netc's own are named `netc:NAME`";
    return failed([{ code: "extends/not-found", severity: "error", message, hint }]);
  }
}

export function pathOfBase(name: string, from: SourceText): string {
  const preset = presetIn(name);
  if (preset !== undefined) return placeOfPreset(preset);
  return isAbsolute(name) ? name : join(isFile(from) ? dirname(from.name) : ".", name);
}

function nearestPreset(name: string): string {
  const names = presetNames();
  const meant = nearest(name, names);
  return meant ? `write \`netc:${meant}\`` : `those that do are ${names.map((other) => `netc:${other}`).join(", ")}`;
}

function presetIn(name: string): string | undefined {
  return /^netc:([\w-]+)$/.exec(name)?.[1];
}

function isFile({ name }: SourceText): boolean {
  return !name.startsWith("<") && !name.startsWith("netc:");
}
