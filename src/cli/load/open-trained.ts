// A run named on the command line → its trained network, with what was passed over on the way said on standard error.
import type { TrainedNetwork } from "../../runtime/trained/trained-network.js";
import { openRun } from "../../runtime/trained/trained-network.js";
import type { TrainedFlags } from "../evaluate/command.js";
import { warnLine } from "../screen/print.js";

export async function openTrained(
  path: string,
  { engine, device, threads, tune, best }: TrainedFlags,
): Promise<TrainedNetwork> {
  const network = await openRun(path, { engine, device, threads, tune, best });
  for (const { folder, reason } of network.broken) warnLine(`skipped ${folder}: ${reason}`);
  return network;
}
