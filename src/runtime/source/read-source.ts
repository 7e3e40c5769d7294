// A file named on the command line → its text, or a diagnostic that says why there is none.
import { readFile } from "node:fs/promises";
import { nearest } from "../../compiler/diagnostics/suggest.js";
import { placeOfPreset, presetNames } from "./presets.js";
import { shellWord } from "../process/shell-word.js";
import type { Diagnostic, Result, SourceText } from "../../compiler/diagnostics/diagnostic.js";
import { failed, ok } from "../../compiler/diagnostics/diagnostic.js";
import { NotAPlainFile, readPlainFile } from "../files/read-plain-file.js";

/** `-` reads standard input; the name of a network that comes with netc, with `netc:` or without, that one where no file is called so. */
export async function readSource(path: string): Promise<Result<SourceText>> {
  let bytes: Buffer;
  let name = path === "-" ? "<stdin>" : path;
  try {
    bytes = await readOnce(path);
  } catch (error) {
    const preset = presetNamed(path);
    if (preset === undefined) return failed([unreadable(path, error as NodeJS.ErrnoException)]);
    bytes = await readFile(placeOfPreset(preset));
    name = `netc:${preset}`;
  }
  try {
    // The byte order mark stays: whoever writes the file back needs to know of it.
    const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
    return ok({ name, text });
  } catch {
    const isUtf16 = (bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff);
    const found = isUtf16 ? "is UTF-16 text, expected UTF-8" : "is not UTF-8 text";
    return failed([fault("file/unreadable", `${path} ${found}`, "save it again as UTF-8")]);
  }
}

function presetNamed(path: string): string | undefined {
  const name = path.replace(/^netc:/, "");
  return presetNames().includes(name) ? name : undefined;
}

const OPENED_BY_THE_SHELL = /^\/(dev|proc\/self)\/(fd\/\d+|stdin)$/;

const streamed = new Map<string, Promise<Buffer>>();

/**
 * A pipe that the shell opened (`<(...)`, /dev/stdin) has a writer and an end; a pipe or a device on the disk may have neither. Such
 * a pipe and standard input give what they hold once, and are asked again where a command names one twice, or checks again.
 */
async function readOnce(path: string): Promise<Buffer> {
  if (path !== "-" && !OPENED_BY_THE_SHELL.test(path)) return await readPlainFile(path);
  const reading = streamed.get(path) ?? (path === "-" ? readStandardInput() : readFile(path));
  streamed.set(path, reading);
  return await reading;
}

async function readStandardInput(): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

function unreadable(path: string, error: NodeJS.ErrnoException): Diagnostic {
  const { code, message } = error;
  if (code === "ENOENT" || code === "ENOTDIR") {
    const meant = nearest(path.replace(/^netc:/, ""), presetNames());
    const hint = meant ? `netc brings one along: ${meant}` : "check the spelling and the folder you are in";
    return fault("file/not-found", `there is no file at ${path}`, hint);
  }
  if (code === "EISDIR") {
    return fault(
      "file/unreadable",
      `${path} is a folder, expected a file`,
      `name the files in it: ${shellWord(path.replace(/\/$/, ""))}/*.yaml`,
    );
  }
  if (error instanceof NotAPlainFile) {
    return fault("file/unreadable", `${path} ${message}`, "`-` in its place reads standard input");
  }
  if (code === "EACCES" || code === "EPERM") return fault("file/unreadable", `permission to read ${path} is refused`);
  return fault("file/unreadable", `${path} cannot be read: ${message}`);
}

function fault(code: Diagnostic["code"], message: string, hint?: string): Diagnostic {
  return { code, severity: "error", message, ...(hint ? { hint } : {}) };
}
