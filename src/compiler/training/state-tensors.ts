// Program → the tensors that training changes, each by its name in a State: what every engine holds and a checkpoint keeps.
import { parametersOf, statisticsOf } from "../network/parameters.js";
import type { Program } from "../program.js";
import { parameterGroups } from "./parameter-groups.js";
import { slotNames } from "./update-rule.js";
import { averageName, averagesWeights } from "./weight-average.js";

export interface StateTensor {
  readonly name: string;
  readonly shape: readonly number[];
  readonly role: "parameter" | "statistic" | "first slot" | "second slot" | "average parameter" | "average statistic";
  /** The parameter or running statistic that it is, or is kept of. */
  readonly of: string;
}

/** Parameters and statistics in graph order, then optimizer slots, then averages. */
export function stateTensors({ config, graph }: Pick<Program, "config" | "graph">): StateTensor[] {
  const own = [
    ...parametersOf(graph).map(({ name, shape }) => ({ name, shape, role: "parameter", of: name }) as const),
    ...statisticsOf(graph).map(({ name, shape }) => ({ name, shape, role: "statistic", of: name }) as const),
  ];
  const slots = new Map(
    parameterGroups(config, graph).trained.flatMap(
      ({ parameters, rule }) => parameters.map(({ name }) => [name, slotNames(rule)] as const), // a frozen parameter has none
    ),
  );
  return [
    ...own,
    ...(["first slot", "second slot"] as const).flatMap((role, index) =>
      own.flatMap(({ name: of, shape }) => {
        const slot = slots.get(of)?.[index];
        return slot === undefined ? [] : [{ name: `${of}.${slot}`, shape, role, of }];
      }),
    ),
    ...(averagesWeights(config.train) ? own : []).map(
      ({ name: of, shape, role }) => ({ name: averageName(of), shape, role: `average ${role}`, of }) as const,
    ),
  ];
}
