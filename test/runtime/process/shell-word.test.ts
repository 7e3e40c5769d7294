import { execFileSync } from "node:child_process";
import { describe, expect, it } from "vitest";
import { shellWord } from "../../../src/runtime/process/shell-word.js";

describe("shellWord", () => {
  it.each(["runs/net.yaml", "train.epochs=3", "a@b:c%d+e,f-g", "--out"])("leaves %s as it is", (word) => {
    expect(shellWord(word, "linux")).toBe(word);
  });

  const odd = [
    "",
    "my nets/a.yaml",
    "it's",
    "$HOME",
    "a;rm b",
    "model.stages[1].channels=4",
    "{a,b}",
    "~",
    "=ls",
    "*?",
    "né\\t",
  ];
  const hostile = ["two\nlines", "bell\u0007", "red\u001b[31m'quoted'\\n", "left\u202eright", "\u0085\u2028"];

  it.skipIf(process.platform === "win32").each([...odd, ...hostile])("gives bash back %j", (word) => {
    const echo = execFileSync("bash", ["-c", `printf %s ${shellWord(word, "linux")}`], {
      env: { LC_ALL: "C.UTF-8" },
      stdio: ["ignore", "pipe", "ignore"],
    });
    expect(echo.toString()).toBe(word);
  });

  it("prints nothing that a terminal would obey", () => {
    for (const word of hostile) expect(shellWord(word, "linux")).toMatch(/^\$'[\x20-\x7e]+'$/);
  });

  it.each([
    ["C:\\nets\\a.yaml", "C:\\nets\\a.yaml"],
    ["C:\\my nets\\a.yaml", '"C:\\my nets\\a.yaml"'],
    ["a=b", '"a=b"'],
  ])("quotes as cmd and PowerShell take it: %s", (word, quoted) => {
    expect(shellWord(word, "win32")).toBe(quoted);
  });
});
