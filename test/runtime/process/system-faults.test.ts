import { describe, expect, it } from "vitest";
import { failureOf } from "../../../src/cli/screen/errors.js";

const refusal = (code: string) => Object.assign(new Error(code), { code });

describe("a limit of the system is a sentence, and no bug in netc", () => {
  it.each([
    ["EFBIG", /limit on the size of files.*ulimit -f/],
    ["EMFILE", /too many files are open for this process.*ulimit -n/],
    ["ENFILE", /too many files are open on this machine/],
    ["ENOMEM", /no more memory.*ulimit -v/],
    ["EAGAIN", /no more threads.*ulimit -u/],
    ["ERR_WORKER_INIT_FAILED", /no more threads/],
    ["ENAMETOOLONG", /the name is too long/],
    ["ENOENT", /is not there/],
    ["EISDIR", /a folder is in its place/],
    ["ENOTEMPTY", /not empty/],
    ["EEXIST", /in its place already/],
  ])("%s", (code, sentence) => {
    const { message, exitCode } = failureOf(refusal(code));
    expect(message).toMatch(sentence);
    expect(exitCode).toBe(1);
  });

  it("and names the file, of a renaming the one that was to be made", () => {
    const renaming = Object.assign(refusal("EISDIR"), { path: "run/.origins.json.1-0.tmp", dest: "run/origins.json" });
    expect(failureOf(renaming).message).toBe("error: a folder is in its place: run/origins.json");
  });

  it("the folder that one is in, removed", () => {
    const { message, exitCode } = failureOf(Object.assign(refusal("ENOENT"), { syscall: "uv_cwd" }));
    expect([message, exitCode]).toEqual([expect.stringMatching(/folder that you are in is not there any more/), 1]);
  });

  it("memory that V8 does not get", () => {
    for (const message of [
      "WebAssembly.Memory(): could not allocate memory",
      "WebAssembly.Instance(): Out of memory: Cannot allocate Wasm memory for new instance",
      "Array buffer allocation failed",
    ]) {
      expect(failureOf(new RangeError(message))).toMatchObject({ exitCode: 1 });
    }
  });

  it("and a fault of netc's own stays one", () => {
    expect(failureOf(new RangeError("Maximum call stack size exceeded")).exitCode).toBe(70);
  });
});
