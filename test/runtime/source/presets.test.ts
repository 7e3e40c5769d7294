import { posix, win32 } from "node:path";
import { expect, it } from "vitest";
import { schemaFrom } from "../../../src/runtime/source/presets.js";

it.each([
  ["/home/ada/nets/a.yaml", "/home/ada/netc/schema.json", posix, "../netc/schema.json"],
  ["/home/ada/a.yaml", "/home/ada/netc/schema.json", posix, "./netc/schema.json"],
  ["/home/ada/a.yaml", "/opt/my tools/schema.json", posix, "file:///opt/my%20tools/schema.json"],
  ["C:\\nets\\a.yaml", "C:\\netc\\schema.json", win32, "../netc/schema.json"],
  ["C:\\nets\\a.yaml", "D:\\netc\\schema.json", win32, "file:///D:/netc/schema.json"],
  ["C:\\nets\\a.yaml", "C:\\Program Files\\netc\\schema.json", win32, "file:///C:/Program%20Files/netc/schema.json"],
])("a preset at %s names the schema at %s", (path, target, paths, way) => {
  expect(schemaFrom(path, target, paths)).toBe(way);
});
