import { mkdir, readdir, readFile, rename, rm, symlink, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import {
  pruneCheckpoints,
  readNewestCheckpoint,
  setAside,
  writeCheckpoint,
} from "../../../src/runtime/run/checkpoint.js";
import { decodeManifest, encodeManifest } from "../../../src/runtime/run/manifest.js";
import { encodeSafetensors } from "../../../src/runtime/files/safetensors.js";
import { sha256Of } from "../../../src/runtime/files/digest.js";
import { initialize } from "../../../src/runtime/training/initialize.js";
import { BEGINNING } from "../../../src/runtime/training/training-progress.js";
import { temporaryFolder } from "../../support/temporary-folder.js";
import { tinyConfig } from "../../support/tiny-config.js";
import { programOf } from "../../support/tiny-run.js";

const program = programOf();
const weights = initialize(program.graph, program.config);
const momenta = [...weights]
  .filter(([name]) => !name.includes("running_"))
  .map(([name, { shape, data }]) => [`${name}.momentum`, { shape, data: data.map((value) => value / 3) }] as const);
const state = new Map([...weights, ...momenta]);
state.get("stem.conv.weight.momentum")!.data.set([1, -0, 1e-45, 3.4e38, 0.1, 5]);
const progressAt = (step: number, epochsClosed = Math.floor(step / 4)) => ({
  ...BEGINNING,
  step,
  epochsClosed,
  lossSum: 0.1 + step / 3,
});

async function withTwoCheckpoints() {
  const parent = await temporaryFolder();
  const older = await writeCheckpoint(parent, program, progressAt(5), state);
  const newer = await writeCheckpoint(parent, program, progressAt(7), state);
  return { parent, older, newer };
}

describe("a checkpoint", () => {
  it("gives back every bit of state and progress", async () => {
    const parent = await temporaryFolder();
    const folder = await writeCheckpoint(parent, program, progressAt(5), state);
    const { checkpoint, broken } = await readNewestCheckpoint(parent, program);
    expect(broken).toEqual([]);
    expect(checkpoint).toEqual({
      folder,
      progress: progressAt(5),
      kernels: {},
      state: new Map([...state].sort(byFileThenName)),
    });
    const slot = checkpoint!.state.get("stem.conv.weight.momentum")!.data;
    expect(Object.is(slot[1], -0)).toBe(true);
  });

  it("keeps weights and statistics apart from what only a resumed run needs", async () => {
    const parent = await temporaryFolder();
    const folder = await writeCheckpoint(parent, program, progressAt(5), state);
    expect((await readdir(folder)).sort()).toEqual(["manifest.json", "optimizer.safetensors", "weights.safetensors"]);
    const text = await readFile(join(folder, "weights.safetensors"), "latin1");
    expect(text).toContain("stem.norm.running_var");
    expect(text).not.toContain("momentum");
  });

  it("of the same step is written once", async () => {
    const parent = await temporaryFolder();
    const folder = await writeCheckpoint(parent, program, progressAt(5), state);
    const before = await readFile(join(folder, "manifest.json"), "utf8");
    await writeCheckpoint(parent, program, { ...progressAt(5), elapsedSeconds: 9 }, state);
    expect(await readFile(join(folder, "manifest.json"), "utf8")).toBe(before);
  });

  it("takes the place of a broken one of the same step", async () => {
    const { parent, newer } = await withTwoCheckpoints();
    await rm(join(newer, "manifest.json"));
    await writeCheckpoint(parent, program, progressAt(7), state);
    expect((await readNewestCheckpoint(parent, program)).checkpoint?.progress.step).toBe(7);
  });

  it("of an epoch whose evaluation is pending is older than the one after it", async () => {
    const parent = await temporaryFolder();
    await writeCheckpoint(parent, program, progressAt(4, 1), state);
    await writeCheckpoint(parent, program, progressAt(4, 0), state);
    expect((await readdir(parent)).sort()).toEqual(["step-00000004", "step-00000004-open"]);
    expect((await readNewestCheckpoint(parent, program)).checkpoint?.progress.epochsClosed).toBe(1);
  });

  it.each([
    [
      "a truncated file",
      "weights.safetensors is 100 bytes long",
      (folder: string) => truncate(join(folder, "weights.safetensors"), 100),
    ],
    [
      "a flipped bit",
      "optimizer.safetensors does not match its checksum",
      (folder: string) => flipBit(join(folder, "optimizer.safetensors")),
    ],
    ["a missing file", "weights.safetensors is missing", (folder: string) => rm(join(folder, "weights.safetensors"))],
    ["a missing manifest", "manifest.json is missing", (folder: string) => rm(join(folder, "manifest.json"))],
    ["half a manifest", "manifest.json is damaged", (folder: string) => truncate(join(folder, "manifest.json"), 40)],
    [
      "a folder in a file's place",
      "weights.safetensors is missing",
      async (folder: string) => {
        await rm(join(folder, "weights.safetensors"));
        await mkdir(join(folder, "weights.safetensors"));
      },
    ],
    [
      "a manifest that was edited",
      "manifest.json does not match its checksum",
      (folder: string) => editText(join(folder, "manifest.json"), (text) => text.replace('"step": 7', '"step": 6')),
    ],
  ])("with %s is named and the one before is used", async (_, reason, damage) => {
    const { parent, older, newer } = await withTwoCheckpoints();
    await damage(newer);
    const { checkpoint, broken } = await readNewestCheckpoint(parent, program);
    expect(broken).toEqual([{ folder: newer, reason: expect.stringContaining(reason) }]);
    expect(checkpoint?.folder).toBe(older);
  });

  it("of another version of netc is not passed over: the right version can read it", async () => {
    const { parent, newer } = await withTwoCheckpoints();
    await writeFile(join(newer, "manifest.json"), '{"format": "netc-checkpoint-0"}');
    await expect(readNewestCheckpoint(parent, program)).rejects.toThrow(
      "was saved by another version of netc: its format is netc-checkpoint-0",
    );
  });

  it("is not to be found where there is none", async () => {
    const parent = await temporaryFolder();
    expect(await readNewestCheckpoint(join(parent, "absent"), program)).toEqual({
      checkpoint: undefined,
      broken: [],
    });
  });
});

describe("pruneCheckpoints", () => {
  it("keeps the newest by step, not by name or time", async () => {
    const parent = await temporaryFolder();
    for (const step of [6, 7]) await writeCheckpoint(parent, program, progressAt(step), state);
    const newest = await writeCheckpoint(parent, program, progressAt(100_000_000), state);
    await pruneCheckpoints(parent, 2, newest);
    expect((await readdir(parent)).sort()).toEqual(["step-00000007", "step-100000000"]);
  });

  it("never removes the one just written for one that only seems to be newer", async () => {
    const { parent, older, newer } = await withTwoCheckpoints();
    await truncate(join(newer, "weights.safetensors"), 100);
    await pruneCheckpoints(parent, 1, older);
    expect((await readdir(parent)).sort()).toEqual(["step-00000005", "step-00000007"]);
  });
});

describe("setAside", () => {
  it("takes broken checkpoints out of the way, also where one of that step already was", async () => {
    const { parent, older, newer } = await withTwoCheckpoints();
    for (let time = 0; time < 2; time++) {
      await writeCheckpoint(parent, program, progressAt(7), state);
      await truncate(join(newer, "weights.safetensors"), 100);
      await setAside((await readNewestCheckpoint(parent, program)).broken);
      expect((await readdir(parent)).sort()).toEqual(["broken-step-00000007", "step-00000005"]);
    }
    const { checkpoint, broken } = await readNewestCheckpoint(parent, program);
    expect([checkpoint?.folder, broken]).toEqual([older, []]);
  });
});

const digest = { bytes: 1, sha256: "0".repeat(64) };
const files = { "weights.safetensors": digest, "optimizer.safetensors": digest };
const asBefore = (content: object) => Buffer.from(JSON.stringify({ format: "netc-checkpoint-2", ...content }, null, 2));
const decode = (bytes: Uint8Array) => decodeManifest(bytes, "folder", program);

describe("a manifest", () => {
  const progress = {
    ...progressAt(9),
    evaluations: [4, 8].map((step) => ({ step, loss: 1.25, accuracy: 0.5 })),
    lastEvaluation: { epoch: 2, loss: 1.25, accuracy: 0.5 },
  };
  const manifest = { progress, kernels: { "3×3, forward": "direct" }, files };
  const text = Buffer.from(encodeManifest(manifest));

  it("gives back what was written, losses that are no numbers too", () => {
    expect(decode(text)).toEqual(manifest);
    const lost = { ...progress, lastEvaluation: { ...progress.lastEvaluation, loss: Number.NaN } };
    expect(decode(Buffer.from(encodeManifest({ ...manifest, progress: lost })))).toEqual({
      ...manifest,
      progress: lost,
    });
  });

  it("of which any one bit is another is damaged, and never taken for one of a format without checksum", () => {
    const whole: number[] = [];
    for (let bit = 0; bit < text.length * 8; bit++) {
      const flipped = Buffer.from(text);
      flipped[bit >> 3]! ^= 1 << (bit & 7);
      if (typeof decode(flipped) !== "string") whole.push(bit);
    }
    expect(text.length * 8).toBeGreaterThan(7_000);
    expect(whole).toEqual([]);
  });

  it("of the format before, without a checksum, is read", () => {
    expect(decode(asBefore({ progress, kernels: manifest.kernels, files }))).toEqual(manifest);
    expect(decode(asBefore({ progress, files }))).toEqual({ ...manifest, kernels: {} });
  });

  it("of the format before makes its checkpoint no worse", async () => {
    const { parent, newer } = await withTwoCheckpoints();
    const path = join(newer, "manifest.json");
    const { checksum: _, ...old } = JSON.parse(await readFile(path, "utf8")) as Record<string, unknown>;
    await writeFile(path, asBefore({ ...old, format: "netc-checkpoint-2" }));
    const { checkpoint, broken } = await readNewestCheckpoint(parent, program);
    expect([checkpoint?.folder, broken]).toEqual([newer, []]);
  });

  it.each([
    "null",
    "[]",
    "0",
    '""',
    "true",
    "{}",
    '{"format": null}',
    '{"format": {}}',
    "\ufeff{}",
    "",
    "{",
    '{"a": 1, "a": 1}',
  ])("that is %s is damaged", (content) => expect(decode(Buffer.from(content))).toBe("is damaged"));

  it("never takes a value that its place does not allow, and never crashes", () => {
    const odd = [null, true, -1, 0.5, 1e300, "7", "", [], [null], {}, { "": 1 }, "../x"];
    const whole = { progress, kernels: manifest.kernels, files } as Record<string, unknown>;
    const places = pathsIn(whole).filter((path) => !["kernels.3×3, forward", "progress.lossSum"].includes(path));
    for (const path of places) {
      for (const value of odd) {
        const changed = JSON.parse(JSON.stringify(whole)) as Record<string, unknown>;
        set(changed, path.split("."), value);
        const read = decode(asBefore(changed));
        if (typeof read !== "string") expect(`${path} ${JSON.stringify(value)}`).toMatch(ALLOWED);
      }
    }
    const ALLOWED_PROGRESS = decode(asBefore({ progress: { ...progress, step: 1e9 }, files }));
    expect(ALLOWED_PROGRESS).toBe(
      "describes a run that cannot exist: its step of 1000000000 is not one of a run of 12 steps",
    );
  });

  it.each([
    {},
    { ...files, "../../config.yaml": digest },
    { "/etc/passwd": digest, "weights.safetensors": digest },
    [],
  ])("whose files are %j names others than those beside it", (others) =>
    expect(decode(asBefore({ progress, files: others }))).toContain("does not name the files"),
  );
});

/** Odd values that are possible in their places. */
const ALLOWED =
  /^(progress\.((correct|epochSeconds|elapsedSeconds|images) 0\.5|(epochSeconds|elapsedSeconds) 1e\+300|evaluations \[\]|lastEvaluation null|(evaluations\.\d|lastEvaluation)\.(loss (null|-1|0\.5|1e\+300)|accuracy 0\.5))|kernels (\{\}|\{"":1\}))$/;

describe("what a checkpoint must hold follows from the network", () => {
  const rewritten = async (change: (tensors: Map<string, { shape: number[]; data: Float32Array }>) => void) => {
    const { parent, newer } = await withTwoCheckpoints();
    const tensors = new Map(momenta.map(([name, { shape, data }]) => [name, { shape: [...shape], data }]));
    change(tensors);
    const bytes = Buffer.concat(encodeSafetensors(tensors));
    return await withFile(parent, newer, bytes);
  };
  const withFile = async (parent: string, folder: string, bytes: Uint8Array) => {
    await writeFile(join(folder, "optimizer.safetensors"), bytes);
    const manifest = decode(await readFile(join(folder, "manifest.json")));
    if (typeof manifest === "string") throw new Error(manifest);
    const file = { bytes: bytes.length, sha256: sha256Of(bytes) };
    const files = { ...manifest.files, "optimizer.safetensors": file };
    await writeFile(join(folder, "manifest.json"), encodeManifest({ ...manifest, files }));
    return (await readNewestCheckpoint(parent, program)).broken.map(({ reason }) => reason);
  };

  it("each slot, with its shape, and nothing else", async () => {
    const name = "stem.conv.weight.momentum";
    expect(await rewritten(() => {})).toEqual([]);
    expect(await rewritten((tensors) => tensors.delete(name))).toEqual([`optimizer.safetensors lacks ${name}`]);
    expect(await rewritten((tensors) => (tensors.get(name)!.shape = [12, 9]))).toEqual([
      `optimizer.safetensors: ${name} is [12, 9], expected [3, 3, 3, 4]`,
    ]);
    expect(await rewritten((tensors) => tensors.set("x", { shape: [1], data: new Float32Array(1) }))).toEqual([
      'optimizer.safetensors holds "x", which this network does not have',
    ]);
  });

  it("averages, where the file asks for them", async () => {
    const parent = await temporaryFolder();
    await writeCheckpoint(parent, program, progressAt(5), state);
    const averaging = programOf(tinyConfig({ train: { weight_average: { ema: { decay: 0.9 } } } }));
    const { broken } = await readNewestCheckpoint(parent, averaging);
    expect(broken[0]!.reason).toBe("optimizer.safetensors lacks stem.conv.weight.average");
  });

  it("whole files that hold no tensors are named, not fallen over", async () => {
    const { parent, newer } = await withTwoCheckpoints();
    const [reason] = await withFile(parent, newer, Buffer.from("something else"));
    expect(reason).toContain("optimizer.safetensors is not a safetensors file");
  });

  it("the step that its folder is named for", async () => {
    const { parent, newer } = await withTwoCheckpoints();
    await rename(newer, join(parent, "step-00000011"));
    expect((await readNewestCheckpoint(parent, program)).broken[0]!.reason).toBe("manifest.json is that of step 7");
  });
});

describe("any one bit of a file", () => {
  it("that is another is noticed, wherever it is", async () => {
    const { parent, newer } = await withTwoCheckpoints();
    for (const file of ["weights.safetensors", "optimizer.safetensors", "manifest.json"]) {
      const whole = await readFile(join(newer, file));
      for (let sample = 0; sample < 40; sample++) {
        const flipped = Buffer.from(whole);
        const bit = Math.floor((sample / 40) * whole.length * 8);
        flipped[bit >> 3]! ^= 1 << (bit & 7);
        await writeFile(join(newer, file), flipped);
        expect((await readNewestCheckpoint(parent, program)).broken).toHaveLength(1);
      }
      await writeFile(join(newer, file), whole);
    }
    expect((await readNewestCheckpoint(parent, program)).broken).toEqual([]);
  });
});

describe("checkpoints that cannot be read", () => {
  it.skipIf(process.platform === "win32")("are not taken for none: links that go round, for one", async () => {
    const parent = await temporaryFolder();
    const loop = join(parent, "checkpoints");
    await symlink(loop, loop);
    await expect(readNewestCheckpoint(loop, program)).rejects.toThrow(`${loop} cannot be read (ELOOP`);
    await rm(loop);
    const folder = await writeCheckpoint(loop, program, progressAt(5), state);
    const file = join(folder, "weights.safetensors");
    await rm(file);
    await symlink(file, file);
    await expect(readNewestCheckpoint(loop, program)).rejects.toThrow(`${file} cannot be read (ELOOP`);
    await expect(writeCheckpoint(loop, program, progressAt(5), state)).rejects.toThrow("cannot be read");
  });
});

function byFileThenName([one]: [string, unknown], [other]: [string, unknown]): number {
  const key = (name: string) => `${name.endsWith(".momentum") ? "2" : "1"}${name}`;
  return key(one) < key(other) ? -1 : 1;
}

async function flipBit(path: string): Promise<void> {
  const bytes = await readFile(path);
  bytes[bytes.length - 3]! ^= 4;
  await writeFile(path, bytes);
}

async function editText(path: string, edit: (text: string) => string): Promise<void> {
  await writeFile(path, edit(await readFile(path, "utf8")));
}

/** "progress.evaluations.0.step", those of maps and lists too. */
function pathsIn(value: unknown, path = ""): string[] {
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => {
    const place = path === "" ? key : `${path}.${key}`;
    return [place, ...pathsIn(inner, place)];
  });
}

function set(target: Record<string, unknown>, [key, ...rest]: readonly string[], value: unknown): void {
  // The names of files have dots of their own
  const name = Object.hasOwn(target, key!) ? key! : [key, rest.shift()].join(".");
  if (rest.length === 0) target[name] = value;
  else set(target[name] as Record<string, unknown>, rest, value);
}
