import { existsSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { expect, it } from "vitest";
import { writeExport } from "../../../src/runtime/export/write-export.js";
import { UserError } from "../../../src/runtime/process/user-error.js";
import { temporaryFolder } from "../../support/temporary-folder.js";

const files = new Map([["inner/a.txt", "a"]]);

it("of several exports to one folder at a time one is there in full, and the others say what is in the way", async () => {
  const parent = await temporaryFolder();
  const path = join(parent, "new", "export");
  const all = await Promise.allSettled(Array.from({ length: 4 }, () => writeExport(path, files)));
  const refused = all.flatMap((one) => (one.status === "rejected" ? [one.reason as unknown] : []));
  expect(refused).toHaveLength(3);
  for (const reason of refused) expect(reason).toEqual(new UserError(`${path} is not empty; name a new folder`));
  expect(await readdir(join(parent, "new"))).toEqual(["export"]);
  expect(await readdir(path)).toEqual(["inner"]);
});

it.skipIf(!existsSync("/proc/self"))("ends where no folder can be made", async () => {
  await expect(writeExport("/proc/netc/export", files)).rejects.toThrow();
});
