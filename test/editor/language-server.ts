// The YAML language server as an editor drives it: a process that speaks the Language Server Protocol over its pipes.
import type { ChildProcess } from "node:child_process";
import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

export interface Position {
  /** From 0, as the protocol counts. */
  readonly line: number;
  readonly character: number;
}

export interface Flag {
  readonly message: string;
  readonly range: { readonly start: Position; readonly end: Position };
}

interface Message {
  readonly id?: number;
  readonly method?: string;
  readonly params?: unknown;
  readonly result?: unknown;
}

const entry = fileURLToPath(
  new URL("../../.cache/editor/node_modules/yaml-language-server/bin/yaml-language-server", import.meta.url),
);

export class LanguageServer {
  readonly #process: ChildProcess;
  readonly #answers = new Map<number, (result: unknown) => void>();
  readonly #flags = new Map<string, (flags: readonly Flag[]) => void>();
  #received: Buffer = Buffer.alloc(0);
  #nextId = 1;

  constructor() {
    this.#process = spawn(process.execPath, [entry, "--stdio"], { stdio: ["pipe", "pipe", "inherit"] });
    this.#process.stdout!.on("data", (chunk: Buffer) => this.#receive(chunk));
  }

  async start(): Promise<void> {
    const capabilities = { textDocument: { completion: {}, hover: { contentFormat: ["markdown"] } } };
    await this.#request("initialize", { processId: process.pid, rootUri: null, capabilities });
    this.#notify("initialized", {});
    const yaml = { validate: true, hover: true, completion: true, schemaStore: { enable: false } };
    this.#notify("workspace/didChangeConfiguration", { settings: { yaml } });
  }

  /** Opens a text under that name and waits for what the server flags in it. */
  open(uri: string, text: string): Promise<readonly Flag[]> {
    return new Promise((resolve) => {
      this.#flags.set(uri, resolve);
      this.#notify("textDocument/didOpen", { textDocument: { uri, languageId: "yaml", version: 1, text } });
    });
  }

  async complete(uri: string, position: Position): Promise<readonly { readonly label: string }[]> {
    const result = await this.#request("textDocument/completion", { textDocument: { uri }, position });
    return Array.isArray(result) ? result : (result as { items: { label: string }[] }).items;
  }

  async hover(uri: string, position: Position): Promise<string> {
    const result = await this.#request("textDocument/hover", { textDocument: { uri }, position });
    return (result as { contents: { value: string } } | null)?.contents.value ?? "";
  }

  async stop(): Promise<void> {
    const ended = new Promise((resolve) => this.#process.once("exit", resolve));
    await this.#request("shutdown", undefined);
    this.#notify("exit", undefined);
    await ended;
  }

  #request(method: string, params: unknown): Promise<unknown> {
    const id = this.#nextId++;
    this.#send({ id, method, params });
    return new Promise((resolve) => this.#answers.set(id, resolve));
  }

  #notify(method: string, params: unknown): void {
    this.#send({ method, params });
  }

  #send(message: Message): void {
    const body = JSON.stringify({ jsonrpc: "2.0", ...message });
    this.#process.stdin!.write(`Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`);
  }

  #receive(chunk: Buffer): void {
    this.#received = Buffer.concat([this.#received, chunk]);
    for (;;) {
      const headerEnd = this.#received.indexOf("\r\n\r\n");
      if (headerEnd === -1) return;
      const length = Number(/Content-Length: (\d+)/i.exec(this.#received.toString("utf8", 0, headerEnd))![1]);
      const start = headerEnd + 4;
      if (this.#received.length < start + length) return;
      const body = this.#received.toString("utf8", start, start + length);
      this.#received = this.#received.subarray(start + length);
      this.#handle(JSON.parse(body) as Message);
    }
  }

  #handle({ id, method, params, result }: Message): void {
    if (method === "textDocument/publishDiagnostics") {
      const { uri, diagnostics } = params as { uri: string; diagnostics: readonly Flag[] };
      this.#flags.get(uri)?.(diagnostics);
    } else if (id !== undefined && method === undefined) {
      this.#answers.get(id)?.(result);
    } else if (id !== undefined) {
      // What the server asks of the editor: this one has nothing to tell.
      this.#send({ id, result: null });
    }
  }
}
