// netc and its peers on one workload, in turns of short slices: what disturbs the machine disturbs them all.
import { fileURLToPath } from "node:url";
import { peersFor } from "./peers.mjs";
import { Side } from "./side.mjs";
import { median } from "./statistics.mjs";
import { loadEngine } from "../dist/runtime/engines/index.js";
import { search } from "../dist/runtime/engines/wasm/onednn/find.js";

/**
 * Resolves to { batchSize, threads, sides, skipped }; each side with its rate, its memory and, for peers, netc's ratio to it.
 * `choose` leaves sides out by their description.
 */
export async function compare(workload, { threads, rounds, steps, warmup, bfloat16, avx2, choose = () => true, say }) {
  const descriptions = await sidesFor(workload, { threads, warmup, bfloat16, avx2 });
  const skipped = [...descriptions.skipped];
  const sides = [];
  try {
    for (const description of descriptions.sides.filter(choose)) {
      say(`warming up ${description.name}`);
      try {
        sides.push({ ...description, side: await Side.start(description), rounds: [] });
      } catch (error) {
        if (sides.length === 0) throw error; // netc itself
        skipped.push({ name: description.name, reason: error.message, install: "" });
      }
    }
    requireSameNetwork(sides);
    for (let round = 0; round < rounds; round++) {
      say(`round ${round + 1} of ${rounds}`);
      for (const { side, rounds } of sides) rounds.push(await side.slice(steps ?? workload.steps));
    }
    for (const entry of sides) entry.memory = await entry.side.end();
  } finally {
    for (const { side } of sides) side.stop();
  }
  return { batchSize: workload.batchSize, threads, sides: summarize(sides, workload.batchSize), skipped };
}

/** netc first, then the peers that this machine has; see peersFor. */
export async function sidesFor(workload, { threads, warmup, bfloat16, avx2 }) {
  const { file, mode } = workload;
  const set = batchSetting(workload);
  const netc = (name, oneDnn, precision = "float32", engine = "wasm") => ({
    name,
    isNetc: true,
    command: process.execPath,
    args: [
      fileURLToPath(new URL("netc-side.mjs", import.meta.url)),
      JSON.stringify({ file, set: [...set, `train.precision=${precision}`], mode, threads, warmup, engine }),
    ],
    environment: { NETC_ONEDNN: oneDnn, ...(avx2 && { NETC_CODE: "avx2" }) },
    engine,
    precision,
  });
  const { accelerated, missing } = await oneDnnLibraries();
  const own = [
    netc("netc", "off"),
    ...(bfloat16 ? [netc("netc bfloat16", "off", "bfloat16")] : []),
    ...accelerated.flatMap(({ file, version }) => [
      netc(`netc with oneDNN ${version}`, file),
      ...(bfloat16 ? [netc(`netc with oneDNN ${version} bfloat16`, file, "bfloat16")] : []),
    ]),
    ...(await otherEngines({ bfloat16 })).map(({ engine, label, precision }) => netc(label, "off", precision, engine)),
  ];
  const { sides, skipped } = await peersFor({ ...workload, set }, { threads, warmup, bfloat16, avx2 });
  return { sides: [...own, ...sides], skipped: [...skipped, ...missing] };
}

/** The engines beside wasm whose libraries this machine has, in each precision that is measured. */
async function otherEngines({ bfloat16 }) {
  const found = [];
  for (const engine of ["tensorflow", "tfjs-node"]) {
    const availability = await (await loadEngine(engine)).probe();
    if (!availability.available) continue;
    const label = `netc on ${engine === "tensorflow" ? availability.version : engine}`;
    found.push({ engine, label, precision: "float32" });
    if (bfloat16 && engine === "tensorflow") found.push({ engine, label: `${label} bfloat16`, precision: "bfloat16" });
  }
  return found;
}

const ONEDNN = "apt-get install libdnnl2; or NETC_BENCH_ONEDNN=FILE[:FILE]";

/** Those that NETC_BENCH_ONEDNN names, separated by colons, or the one that netc finds by itself; and those that are not there. */
async function oneDnnLibraries() {
  const named = process.env.NETC_BENCH_ONEDNN?.split(":").filter((file) => file !== "") ?? [undefined];
  const found = await Promise.all(named.map(async (named) => ({ named, ...(await search(named)) })));
  const missing = found.filter(({ available }) => !available);
  return {
    accelerated: found.filter(({ available }) => available),
    missing: missing.map(({ named, reason }) => ({
      name: named === undefined ? "netc with oneDNN" : `netc with oneDNN from ${named}`,
      reason,
      install: ONEDNN,
    })),
  };
}

function batchSetting({ mode, batchSize }) {
  return mode === "train"
    ? [`train.batch_size=${batchSize}`]
    : [`train.evaluation.batch_size=${batchSize}`, "train.evaluation.flip=false"];
}

/** A figure for another network would be worthless. */
function requireSameNetwork(sides) {
  const [{ side: netc }] = sides;
  for (const { name, side } of sides) {
    const { parameters = netc.about.parameters, batchSize } = side.about;
    if (parameters === netc.about.parameters && batchSize === netc.about.batchSize) continue;
    const shown = `${parameters} parameters, batch ${batchSize}`;
    throw new Error(`${name} runs another network (${shown}) than netc (${netc.about.parameters} parameters)`);
  }
}

/** A peer's figures are beside netc's own kernels, and beside netc with each library in the same precision. */
function summarize(sides, batchSize) {
  const rateOf = (seconds) => batchSize / median(seconds);
  const own = sides.filter(({ isNetc }) => isNetc);
  return sides.map(({ name, isNetc, engine, precision, side, rounds, memory }) => {
    const against = (netc) => ({
      name: netc.name,
      /** netc's rate by this side's: over all steps, and the least and greatest of the rounds. */
      ratio: rateOf(netc.rounds.flat()) / rateOf(rounds.flat()),
      ratioRange: range(rounds.map((seconds, round) => rateOf(netc.rounds[round]) / rateOf(seconds))),
    });
    const [{ ratio, ratioRange }, ...others] = own
      .filter((netc) => netc === own[0] || netc.precision === precision)
      .map(against);
    return {
      name,
      isNetc: isNetc === true,
      engine,
      precision,
      ...side.about,
      ...memory,
      imagesPerSecond: rateOf(rounds.flat()),
      ratio,
      ratioRange,
      others: isNetc ? [] : others,
      seconds: rounds,
    };
  });
}

function range(values) {
  return [Math.min(...values), Math.max(...values)];
}
