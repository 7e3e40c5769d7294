// Whole runs with oneDNN through the command line: what they say, what they keep, how they go on, and how they end.
import { readFile, readdir, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { batchOf, initialState } from "../../oracle/fixtures.js";
import { oracleCases } from "../../oracle/networks.js";
import { netc } from "../../support/netc.js";
import { temporaryFolder } from "../../support/temporary-folder.js";
import { openWasmSession } from "../../../src/runtime/engines/wasm/session.js";
import { randomBatch } from "../../reference/build-program.js";
import { allBy, engineBy, isOld, libraryOf, oneDnn } from "./one-dnn.js";

const smoke = fileURLToPath(new URL("../../../configs/smoke.yaml", import.meta.url));
const bfloat16 = ["--set", "train.precision=bfloat16"];
const version = oneDnn.available && oneDnn.version;

it("says which oneDNN it has, in the report of a run and in netc doctor", async () => {
  const { output } = await netc(["doctor"]);
  expect(output).toContain(`oneDNN             ${version} (`);
  const run = await netc(["run", smoke, "--max-steps", "1", "--out", await temporaryFolder()]);
  expect(run.output).toMatch(new RegExp(`^  engine   wasm .*, oneDNN ${version}: `, "m"));
});

it("says which library it passed over, and prefers a version 2 that lies elsewhere to a version 3", async () => {
  const folder = await temporaryFolder();
  await writeFile(join(folder, "libdnnl.so.2"), "no library");
  // The loader's search ends in this folder; a version 2 of the system's is found by its path
  if (!isOld) await symlink(oneDnn.available ? oneDnn.file : "", join(folder, "libdnnl.so.3"));
  const { output } = await netc(["doctor"], { environment: { NETC_ONEDNN: "", LD_LIBRARY_PATH: folder } });
  expect(output).toMatch(
    new RegExp(
      `^ok  oneDNN +${isOld ? version : "[23]"}.*; skipped: libdnnl.so.2 cannot be used: .*file too short$`,
      "m",
    ),
  );
});

it("trains where only Winograd's products go to it, and no whole convolution", async () => {
  const { program } = oracleCases().find(({ name }) => name === "residual-adamw")!;
  const providers = [libraryOf(false)];
  const all = Object.entries(allBy(program, "winograd fours", providers));
  const chosen = Object.fromEntries(all.filter(([, name]) => name.endsWith(" winograd fours")));
  expect(Object.keys(chosen).length).toBeGreaterThan(0);
  const session = await openWasmSession(program, 2, { chosen, providers });
  const { loss } = await session.step(randomBatch(program, 2, 1), { learningRate: 0.1, step: 1 });
  expect(loss).toBeGreaterThan(0);
  await session.dispose();
});

it("trains in bfloat16 to the end, keeps what computed it, and leaves the process cleanly", async () => {
  const folder = await temporaryFolder();
  const { exitCode, output, errors } = await netc(["run", smoke, ...bfloat16, "--out", folder]);
  expect(errors).toBe("");
  expect(exitCode).toBe(0);
  expect(output).toMatch(/^ +4 +\d\.\d{4} /m);
  const [checkpoint] = (await readdir(join(folder, "checkpoints"))).slice(-1);
  const manifest = await readFile(join(folder, "checkpoints", checkpoint!, "manifest.json"), "utf8");
  expect(manifest).toContain(`oneDNN ${version}`);
});

it("goes on with the bits of an uninterrupted run, and refuses to go on without the library that computed them", async () => {
  const [whole, parts] = [await temporaryFolder(), await temporaryFolder()];
  await netc(["run", smoke, ...bfloat16, "--no-tune", "--out", whole, "--threads", "2", "--max-steps", "20"]);
  await netc(["run", smoke, ...bfloat16, "--no-tune", "--out", parts, "--threads", "1", "--max-steps", "9"]);
  const without = await netc(["run", smoke, ...bfloat16, "--out", parts, "--resume"], {
    environment: { NETC_ONEDNN: "off" },
  });
  expect(without.exitCode).toBe(1);
  expect(without.errors).toMatch(
    /^error: the run computed ".*" by the kernel "oneDNN .*", which is missing here; name the/,
  );
  const resumed = ["run", smoke, ...bfloat16, "--no-tune", "--out", parts, "--threads", "2", "--max-steps", "20"];
  expect((await netc([...resumed, "--resume"])).exitCode).toBe(0);
  const weights = (folder: string) => readFile(join(folder, "checkpoints", "step-00000020", "weights.safetensors"));
  expect(await weights(parts)).toEqual(await weights(whole));
});

it("names the first map of bfloat16 that holds what is no finite number", async () => {
  const oracle = oracleCases().find(({ name }) => name === "residual-adamw")!;
  const session = await engineBy("bfloat16").open(oracle.program, {});
  const state = initialState(oracle);
  const [name, weight] = [...state].find(([, { shape }]) => shape.length === 4)!;
  await session.writeState(new Map([...state, [name, { ...weight, data: weight.data.map(() => 3e38) }]]));
  const found = await session.findNonFinite!(batchOf(oracle, 0), { learningRate: 0.1, step: 1 });
  expect(found).toBe(name.replace(/\.weight$/, ""));
  await session.dispose();
});

it("loses in bfloat16 nearly as in float32 over 20 steps of a small network", async () => {
  const oracle = oracleCases().find(({ name }) => name === "residual-adamw")!;
  const sessions = await Promise.all(["direct", "bfloat16"].map((method) => engineBy(method).open(oracle.program, {})));
  for (const session of sessions) await session.writeState(initialState(oracle));
  for (let step = 0; step < 20; step++) {
    const hyper = { learningRate: oracle.learningRate, step: step + 1 };
    const [plain, rounded] = await Promise.all(sessions.map((session) => session.step(batchOf(oracle, step), hyper)));
    expect(rounded!.loss).not.toBe(plain!.loss);
    expect(Math.abs(rounded!.loss / plain!.loss - 1)).toBeLessThan(0.05); // 8 bits of mantissa, through 20 updates
  }
  for (const session of sessions) await session.dispose();
});

it("keeps the garbage of its threads small: nearly no more is resident after 1,000 steps than after 200", async () => {
  const oracle = oracleCases().find(({ name }) => name === "residual-adamw")!;
  const session = await engineBy("bfloat16 without padding").open(oracle.program, { threads: 2 });
  const batch = batchOf(oracle, 0);
  const residentAfter = async (steps: number): Promise<number> => {
    for (let step = 0; step < steps; step++) await session.step(batch, { learningRate: 0, step: 1 });
    return process.memoryUsage.rss() / 2 ** 20;
  };
  const before = await residentAfter(200);
  // MiB: the test's own thread grows by 16; two more were 53 while V8 let their garbage lie as long as it liked
  expect((await residentAfter(800)) - before).toBeLessThan(32);
  await session.dispose();
});
