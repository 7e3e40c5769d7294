// What else finds faults in a YAML file by a JSON schema, each as a process on the same wrong file: ajv-cli, which is run
// like `netc check`, and yaml-language-server, which an editor starts and which answers over its pipes.
import { spawn } from "node:child_process";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { INSTALL, NO_MODULE, moduleFolder, versionOf } from "./peers.mjs";

/** [{ name, measure }]: `measure(file, schema)` is one run, as { milliseconds, faults }. Those not there are in `skipped`. */
export function checkPeers() {
  const found = [
    { name: "ajv-cli", entry: "dist/index.js", measure: ajvCli },
    { name: "yaml-language-server", entry: "bin/yaml-language-server", measure: languageServer },
  ].map(({ name, entry, measure }) => {
    const modules = moduleFolder(name);
    if (!modules) return { skip: { name, reason: NO_MODULE, install: INSTALL.node(name) } };
    const program = join(dirname(createRequire(modules).resolve(`${name}/package.json`)), entry);
    return {
      peer: {
        name: `${name} ${versionOf(modules, name)}`,
        measure: (file, schema) => measure(program, file, schema),
      },
    };
  });
  return { peers: found.flatMap(({ peer }) => peer ?? []), skipped: found.flatMap(({ skip }) => skip ?? []) };
}

async function ajvCli(program, file, schema) {
  const started = performance.now();
  // `--strict=false`: the schema has words for editors that ajv does not know.
  const args = ["validate", "-s", schema, "-d", file, "--strict=false", "--all-errors", "--errors=json"];
  const child = spawn(process.execPath, [program, ...args], { stdio: ["ignore", "ignore", "pipe"] });
  let errors = "";
  child.stderr.on("data", (chunk) => (errors += chunk));
  await new Promise((resolve, reject) => child.on("error", reject).on("close", resolve));
  const milliseconds = performance.now() - started;
  const list = errors.indexOf("[");
  if (list === -1) throw new Error(`ajv-cli found no fault: ${errors}`);
  return { milliseconds, faults: JSON.parse(errors.slice(list)).length };
}

/** From the start of the server to its flags in the one file that is opened, whose first line names the schema. */
async function languageServer(program, file) {
  const text = await readFile(file, "utf8");
  const uri = pathToFileURL(file).href;
  const started = performance.now();
  const child = spawn(process.execPath, [program, "--stdio"], { stdio: ["pipe", "pipe", "ignore"] });
  const send = (message) => {
    const body = JSON.stringify({ jsonrpc: "2.0", ...message });
    child.stdin.write(`Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`);
  };
  const flags = new Promise((resolve, reject) => {
    child.on("error", reject).on("exit", () => reject(new Error("yaml-language-server ended before it answered")));
    onMessages(child.stdout, ({ id, method, params }) => {
      if (id === INITIALIZE && method === undefined) {
        const yaml = { validate: true, schemaStore: { enable: false } };
        send({ method: "initialized", params: {} });
        send({ method: "workspace/didChangeConfiguration", params: { settings: { yaml } } });
        const textDocument = { uri, languageId: "yaml", version: 1, text };
        send({ method: "textDocument/didOpen", params: { textDocument } });
      } else if (method === "textDocument/publishDiagnostics" && params.uri === uri && params.diagnostics.length > 0) {
        resolve(params.diagnostics);
      } else if (id !== undefined && method !== undefined) {
        send({ id, result: null }); // what it asks of the editor
      }
    });
  });
  const params = { processId: process.pid, rootUri: null, capabilities: {} };
  send({ id: INITIALIZE, method: "initialize", params });
  try {
    const found = await withinSeconds(30, flags);
    return { milliseconds: performance.now() - started, faults: found.length };
  } finally {
    child.kill();
  }
}

const INITIALIZE = 1;

/** Messages of the Language Server Protocol: a header with the length in bytes, an empty line, JSON. */
function onMessages(stream, handle) {
  let received = Buffer.alloc(0);
  stream.on("data", (chunk) => {
    received = Buffer.concat([received, chunk]);
    for (;;) {
      const headerEnd = received.indexOf("\r\n\r\n");
      if (headerEnd === -1) return;
      const start = headerEnd + 4;
      const length = Number(/Content-Length: (\d+)/i.exec(received.toString("utf8", 0, headerEnd))[1]);
      if (received.length < start + length) return;
      const message = JSON.parse(received.toString("utf8", start, start + length));
      received = received.subarray(start + length);
      handle(message);
    }
  });
}

async function withinSeconds(seconds, promise) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no flags within ${seconds} seconds`)), seconds * 1000);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}
