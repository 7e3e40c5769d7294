import { spawnSync } from "node:child_process";
import { EventEmitter } from "node:events";
import { describe, expect, it } from "vitest";
import { keepGoingWithoutOutput, outputFault, watchOutputs } from "../../../src/cli/screen/output-faults.js";

function watched(isTTY = false): { readonly fail: (code: string) => void; readonly exits: number[] } {
  const stream = Object.assign(new EventEmitter(), { isTTY });
  const exits: number[] = [];
  watchOutputs([stream], (code) => exits.push(code));
  return { fail: (code) => void stream.emit("error", Object.assign(new Error(code), { code })), exits };
}

describe("a command's output that cannot be written", () => {
  it.each([
    ["a pipe's reader has ended", false, "EPIPE"],
    ["the other end of a connection is gone", false, "ECONNRESET"],
    ["a pipe's reader has ended on Windows", false, "EOF"],
    ["the terminal is gone", true, "EIO"],
  ])("ends a listing where %s", (_, isTTY, code) => {
    const { fail, exits } = watched(isTTY);
    fail(code);
    expect(exits).toEqual([141]);
  });

  it.each([
    [false, "EIO"],
    [false, "ENOSPC"],
    [true, "EBADF"],
  ])("is a fault to report where that is not the reader's doing (terminal: %s, %s)", (isTTY, code) => {
    const { fail, exits } = watched(isTTY);
    expect(() => fail(code)).toThrow(code);
    expect(exits).toEqual([]);
  });

  it("is left to a run, then and afterwards", () => {
    const { fail, exits } = watched();
    let heard = 0;
    const { release } = keepGoingWithoutOutput(() => heard++);
    fail("EPIPE");
    fail("EPIPE");
    release();
    fail("EPIPE");
    expect({ heard, exits }).toEqual({ heard: 2, exits: [] });
  });

  it("costs a run nothing where a disk is full, and is said when it has ended", () => {
    const { fail, exits } = watched();
    const { release } = keepGoingWithoutOutput(() => exits.push(-1));
    fail("ENOSPC");
    fail("EFBIG");
    release();
    expect(outputFault()?.message).toBe("ENOSPC");
    expect(exits).toEqual([]);
  });
});

it("leaves every output open as the process ends, or koffi would try to flush what is closed, for ever", () => {
  const built = new URL("../../../dist/cli/screen/output-faults.js", import.meta.url).href;
  const script = `
    import { fstatSync } from "node:fs";
    import { letGoOfGoneTerminal } from ${JSON.stringify(built)};
    letGoOfGoneTerminal();
    for (const stream of [0, 1, 2]) fstatSync(stream);`;
  const { status } = spawnSync(process.execPath, ["--input-type=module", "--eval", script], { stdio: "ignore" });
  expect(status).toBe(0);
});
