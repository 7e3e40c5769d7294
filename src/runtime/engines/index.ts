// The engines that netc knows, by name, each loaded only when it is asked for; and the choice among them.
import type { Program } from "../../compiler/program.js";
import type { Availability, Device, Engine, ProbeOptions } from "./engine.js";
import { UserError } from "../process/user-error.js";

/** In order of preference: `auto` takes the first that this machine can run. */
const ENGINES: Readonly<Record<string, () => Promise<Engine>>> = {
  wasm: async () => (await import("./wasm/engine.js")).wasmEngine,
  tensorflow: async () => (await import("./tensorflow/engine.js")).tensorflowEngine,
  "tfjs-node": async () => (await import("./tfjs-node/engine.js")).tfjsNodeEngine,
  webgpu: async () => (await import("./webgpu/engine.js")).webgpuEngine,
  cpu: async () => (await import("./tfjs/engine.js")).tfjsCpuEngine,
};

export const engineNames: readonly string[] = Object.keys(ENGINES);

export interface ChosenEngine {
  readonly engine: Engine;
  readonly availability: Extract<Availability, { available: true }>;
  /** Why this one, as a clause: "the fastest that this machine runs". */
  readonly reason: string;
}

/**
 * The engine of that name, or for "auto" the first that this machine can run on the device and that takes the program.
 * @throws UserError saying what is missing, or what of the program no engine here can do.
 */
export async function chooseEngine(
  name: string,
  device: Device = { kind: "cpu" },
  program?: Program,
  probing: ProbeOptions = {},
): Promise<ChosenEngine> {
  if (name !== "auto") return await chooseByName(name, device, probing);
  const passedOver: string[] = [];
  let refusal: UserError | undefined;
  for (const candidate of engineNames) {
    const engine = await ENGINES[candidate]!();
    if (!engine.devices.includes(device.kind)) {
      passedOver.push(`${candidate} has no ${DEVICE_NAMES[device.kind]}`);
      continue;
    }
    const availability = await engine.probe(probing);
    if (!availability.available) {
      passedOver.push(`${candidate} is not available: ${availability.reason}`);
      continue;
    }
    const refused = program && (await refusalOf(engine, program));
    if (!refused) {
      const reason = passedOver.length === 0 ? "netc's fastest, and this machine runs it" : passedOver.join("; ");
      return { engine, availability, reason };
    }
    refusal ??= refused;
    passedOver.push(`${candidate} cannot do it: ${refused.message}`);
  }
  throw refusal ?? new UserError(`no engine runs on this machine: ${passedOver.join("; ")}; \`netc doctor\` says more`);
}

async function refusalOf(engine: Engine, program: Program): Promise<UserError | undefined> {
  try {
    await engine.require(program);
    return undefined;
  } catch (error) {
    if (error instanceof UserError) return error;
    throw error;
  }
}

export async function loadEngine(name: string): Promise<Engine> {
  const load = ENGINES[name];
  if (!load) throw new UserError(`there is no engine ${name}; the engines are ${engineNames.join(", ")}`);
  return await load();
}

const DEVICE_NAMES: Readonly<Record<Device["kind"], string>> = {
  cpu: "way to run on the processor",
  gpu: "way to a GPU",
};

async function chooseByName(name: string, device: Device, probing: ProbeOptions): Promise<ChosenEngine> {
  const engine = await loadEngine(name);
  if (!engine.devices.includes(device.kind)) {
    const others = await enginesOn(device.kind);
    throw new UserError(
      `engine ${name} has no ${DEVICE_NAMES[device.kind]}; these have: ` +
        others.map((other) => `\`--engine ${other}\``).join(", "),
    );
  }
  const availability = await engine.probe(probing);
  if (!availability.available) {
    throw new UserError(`engine ${name} is not available: ${availability.reason}; ${availability.remedy}`);
  }
  return { engine, availability, reason: "asked for by --engine" };
}

async function enginesOn(kind: Device["kind"]): Promise<readonly string[]> {
  const engines = await Promise.all(engineNames.map(loadEngine));
  return engines.filter(({ devices }) => devices.includes(kind)).map(({ name }) => name);
}
