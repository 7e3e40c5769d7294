// A run named on the command line → its trained network, with what was passed over on the way said on standard error.
import type { Device } from "../../runtime/engines/engine.js";
import type { TrainedNetwork } from "../../runtime/trained/trained-network.js";
import { openRun } from "../../runtime/trained/trained-network.js";
import { warnLine } from "../screen/print.js";

/** Options of every command that opens a trained network. */
export interface TrainedFlags {
  readonly engine: string;
  readonly device?: Device;
  readonly threads?: number;
  readonly tune: boolean;
  readonly best: boolean;
  readonly format: "text" | "json";
}

export async function openTrained(
  path: string,
  { engine, device, threads, tune, best }: TrainedFlags,
): Promise<TrainedNetwork> {
  const network = await openRun(path, { engine, device, threads, tune, best });
  for (const { folder, reason } of network.broken) warnLine(`skipped ${folder}: ${reason}`);
  return network;
}
