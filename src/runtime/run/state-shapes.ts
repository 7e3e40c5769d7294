// Program → every tensor that its training changes, by name, with its shape: what a state that is whole must hold.
import { parametersOf, statisticsOf } from "../../compiler/network/parameters.js";
import type { Program } from "../../compiler/program.js";
import { parameterGroups } from "../../compiler/training/parameter-groups.js";
import { slotNames } from "../../compiler/training/update-rule.js";
import { averageName, averagesWeights } from "../../compiler/training/weight-average.js";

export type Shapes = ReadonlyMap<string, readonly number[]>;

export interface StateShapes {
  /** Parameters and running statistics. */
  readonly network: Shapes;
  /** What only a resumed run needs: slots of the optimizers, averages. */
  readonly training: Shapes;
}

export function stateShapes({ graph, config }: Program): StateShapes {
  const own = [...parametersOf(graph), ...statisticsOf(graph)];
  const slots = parameterGroups(config, graph).trained.flatMap(({ parameters, rule }) =>
    parameters.flatMap(({ name, shape }) => slotNames(rule).map((slot) => [`${name}.${slot}`, shape] as const)),
  );
  const averages = averagesWeights(config.train)
    ? own.map(({ name, shape }) => [averageName(name), shape] as const)
    : [];
  return { network: new Map(own.map(({ name, shape }) => [name, shape])), training: new Map([...slots, ...averages]) };
}
