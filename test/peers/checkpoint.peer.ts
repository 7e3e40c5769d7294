// The library of the format itself reads in a checkpoint what was written: names, shapes and every bit.
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { join } from "node:path";
import { expect, it } from "vitest";
import { newestIn } from "../support/newest-in.js";
import { temporaryFolder } from "../support/temporary-folder.js";
import { programOf, runTiny } from "../support/tiny-run.js";

const READER = `
import hashlib, json, sys
from safetensors.numpy import load_file
tensors = {}
for path in sys.argv[1:]:
    tensors.update(load_file(path))
print(json.dumps({
    name: [list(value.shape), str(value.dtype), hashlib.sha256(value.tobytes()).hexdigest()]
    for name, value in tensors.items()
}))
`;

it("Python's safetensors reads the weights and the optimizer's state of a checkpoint", async () => {
  const folder = await temporaryFolder();
  await runTiny(folder, programOf(), { maxSteps: 5 });
  const { checkpoint } = await newestIn(folder);
  const files = ["weights", "optimizer"].map((name) => join(checkpoint!.folder, `${name}.safetensors`));
  const python = process.env["NETC_PEER_PYTHON"]!;
  const read = JSON.parse(execFileSync(python, ["-c", READER, ...files], { encoding: "utf8" })) as object;
  const expected = [...checkpoint!.state].map(([name, { shape, data }]) => {
    const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    return [name, [[...shape], "float32", createHash("sha256").update(bytes).digest("hex")]];
  });
  expect(expected.length).toBeGreaterThan(10);
  expect(read).toEqual(Object.fromEntries(expected));
});
