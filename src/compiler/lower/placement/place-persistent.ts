// Program → where everything lies that outlives a step: the staged batch, parameters, gradients, statistics, slots and averages,
// each from a page of its own, and the end of it all, where tables and the arena begin.
import type { Program } from "../../program.js";
import { mixesLabels } from "../../training/mixed-labels.js";
import { parameterGroups } from "../../training/parameter-groups.js";
import { slotNames } from "../../training/update-rule.js";
import { averagesWeights } from "../../training/weight-average.js";
import type { PersistentName } from "../convolutions/kernel-selector.js";
import { heapStart } from "../kernels/kernel-constants.js";
import type { ParameterLayout } from "./layout.js";

const PAGE = 4096;

export function placePersistent(program: Program, layout: ParameterLayout, batch: number) {
  const { height, width, channels } = program.config.model.input;
  const { trained } = parameterGroups(program.config, program.graph);
  const slots = Math.max(0, ...trained.map(({ rule }) => slotNames(rule).length));
  const averages = averagesWeights(program.config.train);
  const mixed = mixesLabels(program.config.data);
  const sizes: Record<PersistentName, number> = {
    "staged images": batch * height * width * channels,
    "staged labels": batch * 4,
    "staged other labels": mixed ? batch * 4 : 0,
    "staged label shares": mixed ? batch * 4 : 0,
    "pixel values": channels * 256 * 4,
    parameters: layout.parameterBytes,
    gradients: layout.parameterBytes,
    "micro-batch gradients": program.config.train.accumulate > 1 ? layout.parameterBytes : 0,
    statistics: layout.statisticBytes,
    "first slots": slots > 0 ? layout.parameterBytes : 0,
    "second slots": slots > 1 ? layout.parameterBytes : 0,
    "average parameters": averages ? layout.parameterBytes : 0,
    "average statistics": averages ? layout.statisticBytes : 0,
  };
  const addresses = {} as Record<PersistentName, number>;
  const stored = [...layout.parameters, ...layout.statistics];
  let end = heapStart(Math.max(0, ...stored.map((one) => Math.max(one.storedRows, one.storedColumns))));
  for (const name of Object.keys(sizes) as PersistentName[]) {
    addresses[name] = end;
    end = aligned(end + sizes[name]);
  }
  return { addresses, end };
}

export function aligned(address: number): number {
  return Math.ceil(address / PAGE) * PAGE;
}
