import { describe, expect, it } from "vitest";
import { npmCommand, pythonCommand } from "../../../src/runtime/process/programs.js";

function machine(platform: NodeJS.Platform, path: string, files: readonly string[]) {
  const environment = { [platform === "win32" ? "Path" : "PATH"]: path };
  return {
    platform,
    environment,
    execPath: "C:\\Program Files\\nodejs\\node.exe",
    exists: (file: string) => files.includes(file),
  };
}

describe("npm", () => {
  it("is itself where it is a program, and on Windows its script, run by this Node without a shell", () => {
    expect(npmCommand(machine("linux", "/usr/bin", []))).toEqual(["npm"]);
    const beside = "C:\\Program Files\\nodejs\\node_modules\\npm\\bin\\npm-cli.js";
    expect(npmCommand(machine("win32", "C:\\Windows", [beside]))).toEqual([
      "C:\\Program Files\\nodejs\\node.exe",
      beside,
    ]);
    const own = "D:\\my tools\\node_modules\\npm\\bin\\npm-cli.js";
    expect(npmCommand(machine("win32", "C:\\Windows;D:\\my tools", [beside, own]))[1]).toBe(own);
  });
});

describe("Python", () => {
  it.each([
    ["linux", "/usr/bin:/opt/bin", ["/opt/bin/python3", "/usr/bin/python"], "python3"],
    ["linux", "/usr/bin:/opt/bin", ["/opt/bin/python"], "python"],
    ["darwin", "/usr/bin", [], "python3"],
    ["win32", "C:\\Windows;C:\\Program Files\\Python", ["C:\\Program Files\\Python\\python.exe"], "python"],
    ["win32", "C:\\Python", ["C:\\Python\\python3.exe"], "python3"],
    ["win32", "C:\\Windows", [], "python"],
  ] as const)("on %s with %s and %j is %s", (platform, path, files, name) => {
    expect(pythonCommand(machine(platform, path, files))).toBe(name);
  });
});
