// The recorded numbers belong to these networks and these draws: what PyTorch was given is what the tests give to the engines.
import { describe, expect, it } from "vitest";
import { parametersOf } from "../../src/compiler/network/parameters.js";
import { parameterGroups } from "../../src/compiler/training/parameter-groups.js";
import { groupRates } from "../../src/compiler/training/training-phases.js";
import { whiteningStem } from "../../src/compiler/network/whitening-stem.js";
import { draw, symmetric } from "./counter-random.js";
import { batchOf, initialState, lossRecord, probeRecords } from "./fixtures.js";
import { type OracleCase, oracleCases, probeCases } from "./networks.js";

describe.each(oracleCases().map((oracle) => [oracle.name, oracle] as const))("oracle case %s", (name, oracle) => {
  it("is the one that PyTorch was given (run vitest with -u, then write_losses.py, to renew it)", async () => {
    await expect(printCase(oracle)).toMatchFileSnapshot(`cases/${name}.json`);
  });

  it("has as many parameters as PyTorch counted", () => {
    const counts = parametersOf(oracle.program.graph).map(({ shape }) => shape.reduce((a, b) => a * b, 1));
    expect(counts.reduce((sum, count) => sum + count, 0)).toBe(lossRecord(name).parameters);
  });

  it("has a gradient record for every parameter", () => {
    const names = parametersOf(oracle.program.graph).map((parameter) => parameter.name);
    expect(Object.keys(lossRecord(name).gradients)).toEqual(names);
    expect([...initialState(oracle).keys()].slice(0, names.length)).toEqual(names);
  });

  it("draws images of its own size and labels of its own classes", () => {
    const { images, labels, count } = batchOf(oracle, 0);
    const { height, width, channels, classes } = {
      ...oracle.program.config.model.input,
      ...oracle.program.config.model.classifier,
    };
    expect(images).toHaveLength(count * height * width * channels);
    expect(Math.max(...labels)).toBeLessThan(classes);
  });
});

describe("the probes of single operations", () => {
  it("are the ones that PyTorch was given", async () => {
    const printed = probeCases().map((oracle) => printCase(oracle).trimEnd());
    await expect(`[\n${printed.join(",\n")}\n]\n`).toMatchFileSnapshot("cases/probes.json");
    const names = probeCases().map(({ name }) => name);
    expect(probeRecords().map(({ name }) => name)).toEqual(names);
    expect(new Set(names).size).toBe(names.length);
  });
});

describe("the shared generator", () => {
  it("draws the same bits as counter_random.py", () => {
    // draw(7, 9, 4), symmetric(7, 9, 2) as printed by counter_random.py
    expect([...draw(7, 9, 4)]).toEqual(DRAWS);
    expect([...symmetric(7, 9, 2)]).toEqual(SYMMETRIC);
  });
});

const DRAWS = [1954301607, 2794299363, 1683767626, 510753417];
const SYMMETRIC = [-0.08995747566223145, 0.3011969327926636];

/** Who is updated how, with every group's rate in every step, where a case has more than one optimizer on all parameters. */
function updatesOf({ program, learningRate, steps }: OracleCase) {
  const { config, graph, plan } = program;
  const groups = parameterGroups(config, graph).trained.map(({ rateIndex, rule, parameters }) => ({
    rule,
    trainedSteps: plan.groups[rateIndex]!.trainedUntil,
    rates: Array.from({ length: steps }, (_, step) => groupRates(plan, { learningRate, step: step + 1 })[rateIndex]),
    parameters: parameters.map(({ name }) => name),
  }));
  const { steps: total, stepsPerEpoch } = plan;
  return { groups, average: config.train.weight_average, total, stepsPerEpoch };
}

/** What PyTorch needs of a case, one node of the graph a line, so that a difference is readable. */
function printCase({ program, ...rest }: OracleCase): string {
  const { data, model, train } = program.config;
  const isPlain = train.groups.length === 0 && train.weight_average === null && !whiteningStem(model);
  const config = {
    data: { normalize: data.normalize },
    model: { classifier: { classes: model.classifier.classes } },
    train: {
      optimizer: train.optimizer,
      loss: train.loss,
      ...(train.accumulate > 1 ? { accumulate: train.accumulate } : {}),
      ...(train.gradient_clip ? { gradient_clip: train.gradient_clip } : {}),
    },
    ...(isPlain ? {} : { updates: updatesOf({ program, ...rest }) }),
  };
  const nodes = program.graph.nodes.map(
    ({ name, op, inputs, shape }) => `    ${JSON.stringify({ name, op, inputs, shape })}`,
  );
  const lines = Object.entries(rest).map(([key, value]) => `"${key}": ${JSON.stringify(value)},`);
  return [
    "{",
    ...lines.map((line) => `  ${line}`),
    `  "program": {`,
    `  "config": ${JSON.stringify(config)},`,
    `  "graph": {"nodes": [\n${nodes.join(",\n")}\n  ]}}`,
    "}",
    "",
  ].join("\n");
}
