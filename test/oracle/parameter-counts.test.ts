// Eleven networks have as many parameters and running statistics here as torch.nn modules built from the same descriptions.
import { expect, it } from "vitest";
import { compileText } from "../../src/compiler/compile.js";
import { parametersOf, statisticsOf } from "../../src/compiler/network/parameters.js";
import { readFixture } from "./fixtures.js";

interface CountRecord {
  readonly name: string;
  /** As a file has them. */
  readonly data: object;
  readonly model: object;
  readonly parameters: number;
  readonly statistics: number;
}

const { networks } = readFixture<{ networks: CountRecord[] }>("parameter-counts.json", "write_parameter_counts.py");

it.each(networks.map((network) => [network.name, network] as const))(
  "counts the parameters of %s as PyTorch does",
  (name, { data, model, parameters, statistics }) => {
    const train = { epochs: 1, batch_size: 8, learning_rate: 0.1 };
    // JSON is YAML: the record is a file that netc compiles.
    const text = JSON.stringify({ name, data, model, train });
    const { value: program, diagnostics } = compileText(text, `${name}.yaml`);
    expect(diagnostics.filter(({ severity }) => severity === "error")).toEqual([]);
    expect(count(parametersOf(program!.graph))).toBe(parameters);
    expect(count(statisticsOf(program!.graph))).toBe(statistics);
  },
);

function count(tensors: readonly { readonly shape: readonly number[] }[]): number {
  const sizes = tensors.map(({ shape }) => shape.reduce((product, size) => product * size, 1));
  return sizes.reduce((sum, size) => sum + size, 0);
}
