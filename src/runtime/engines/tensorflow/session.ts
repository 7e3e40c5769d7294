// A Program opened on TensorFlow: a variable for every tensor that training changes, and one function for each kind and size
// of batch, all over the same variables.
import { invariant } from "../../../compiler/diagnostic.js";
import type { StepMode } from "../../../compiler/lower/differentiate.js";
import type { TensorflowStep } from "../../../compiler/lower/emit-tensorflow.js";
import { emitTensorflow } from "../../../compiler/lower/emit-tensorflow.js";
import { trainingGraphOf } from "../../../compiler/lower/lower.js";
import type { BatchInput, HyperName } from "../../../compiler/lower/tensorflow/emission.js";
import { batchInputs } from "../../../compiler/lower/tensorflow/emission.js";
import { mixesLabels } from "../../../compiler/mixed-labels.js";
import { parametersOf, statisticsOf } from "../../../compiler/parameters.js";
import { parameterGroups } from "../../../compiler/parameter-groups.js";
import type { Program } from "../../../compiler/program.js";
import { groupRates, phaseAt } from "../../../compiler/training-phases.js";
import { momentCorrections, slotNames } from "../../../compiler/update-rule.js";
import { averageName, averageShare, averagesWeights } from "../../../compiler/weight-average.js";
import type { Batch, EvaluationResult, Session, State, StepHyper, StepResult } from "../../engine.js";
import { initialize } from "../../initialize.js";
import { countCorrect } from "../tfjs/session.js";
import { functionConfig } from "./config-proto.js";
import type { FunctionForm, TensorData, TensorflowContext, TensorHandle } from "./context.js";
import { interpret } from "./interpret.js";

export interface TensorflowSessionOptions {
  /** Operation by operation instead of as one function. */
  readonly interprets?: boolean;
}

/** A tensor of a State and the variable that holds it. */
interface Stored {
  readonly shape: readonly number[];
  /** The variable's own: a linear layer is the convolution that it equals. */
  readonly dims: readonly number[];
  readonly handle: TensorHandle;
}

interface CompiledStep {
  readonly step: TensorflowStep;
  readonly name: string;
  readonly form: FunctionForm;
}

/** Counts sessions of this process: names of functions and variables are the context's, not a session's. */
let opened = 0;

export async function openTensorflowSession(
  program: Program,
  context: TensorflowContext,
  options: TensorflowSessionOptions = {},
): Promise<TensorflowSession> {
  context.validate(emitTensorflow(program, "train", program.config.train.batch_size, "variables").graph);
  const session = new TensorflowSession(program, context, options);
  await session.writeState(initialize(program.graph, program.config));
  return session;
}

export class TensorflowSession implements Session {
  readonly #program: Program;
  readonly #context: TensorflowContext;
  readonly #interprets: boolean;
  readonly #tag = `netc${opened++}`;
  readonly #stored = new Map<string, Stored>();
  readonly #steps = new Map<string, CompiledStep>();
  #isBusy = false;

  constructor(program: Program, context: TensorflowContext, { interprets = false }: TensorflowSessionOptions) {
    this.#program = program;
    this.#context = context;
    this.#interprets = interprets;
    this.#createVariables();
  }

  /** Tensors and functions alive in the context that this session shares with others of its device. */
  get held(): number {
    return this.#context.held;
  }

  async step(batch: Batch, hyper: StepHyper): Promise<StepResult> {
    const { losses, logits } = await this.#run("train", batch, hyper);
    return { loss: mean(losses), correct: countCorrect(logits, batch.labels.subarray(0, batch.count)) };
  }

  async evaluate(batch: Batch): Promise<EvaluationResult> {
    const { losses, logits } = await this.#run("evaluate", batch, { learningRate: 0, step: 1 });
    return { loss: mean(losses), correct: countCorrect(logits, batch.labels.subarray(0, batch.count)), logits };
  }

  async readState(): Promise<State> {
    const entries = [...this.#stored].map(([name, { shape, dims, handle }]) => {
      const attributes = { dtype: { type: "float" }, shape: { shape: dims } } as const;
      const [value] = this.#context.execute("ReadVariableOp", [handle], { dtype: attributes.dtype }, 1);
      const data = this.#context.read(value!);
      this.#context.free([value!]);
      return [name, { shape, data }] as const;
    });
    return new Map(entries);
  }

  async writeState(state: State): Promise<void> {
    // All are checked before the first is written: a refused state leaves the session as it was.
    for (const [name, { shape, data }] of state) {
      const own = this.#stored.get(name);
      if (!own) throw new Error(`the network has no tensor named ${name}`);
      if (shape.join() !== own.shape.join() || data.length !== sizeOf(own.shape)) {
        const expected = own.shape.join(", ");
        throw new Error(`${name} has shape [${shape.join(", ")}] and ${data.length} values, expected [${expected}]`);
      }
    }
    for (const [name, { data }] of state) {
      const { handle, dims } = this.#stored.get(name)!;
      this.#assign(handle, dims, data);
    }
  }

  async dispose(): Promise<void> {
    for (const { name } of this.#steps.values()) if (!this.#interprets) this.#context.removeFunction(name);
    for (const { handle } of this.#stored.values()) {
      this.#context.execute("DestroyResourceOp", [handle], {}, 0);
      this.#context.free([handle]);
    }
    this.#steps.clear();
    this.#stored.clear();
  }

  async #run(mode: StepMode, batch: Batch, hyper: StepHyper): Promise<{ losses: Float32Array; logits: Float32Array }> {
    invariant(!this.#isBusy, "a step was started before the last one ended");
    invariant(this.#stored.size > 0, "the session is closed");
    const phase = mode === "train" ? phaseAt(this.#program.plan, hyper.step - 1) : 0;
    const compiled = this.#stepFor(mode, batch.count, phase);
    const fed = this.#feed(compiled.step, batch, hyper);
    const handles = [...fed, ...compiled.step.variables.map(({ name }) => this.#stored.get(name)!.handle)];
    this.#isBusy = true;
    try {
      const outputs = await this.#call(compiled, handles);
      const [losses, logits] = outputs.map((output) => this.#context.read(output));
      this.#context.free(outputs);
      return { losses: losses!, logits: logits! };
    } finally {
      this.#context.free(fed);
      this.#isBusy = false;
    }
  }

  async #call({ name, form }: CompiledStep, handles: readonly TensorHandle[]): Promise<TensorHandle[]> {
    if (this.#interprets) return interpret(this.#context, form, handles);
    const config = functionConfig(this.#context.device, false);
    return this.#context.executeAside(name, handles, { config_proto: { bytes: config } }, form.outputs.length);
  }

  /** Functions are emitted when a batch of their size first comes, in each phase of training anew. */
  #stepFor(mode: StepMode, batch: number, phase: number): CompiledStep {
    const key = `${mode}_${batch}_${phase}`;
    const known = this.#steps.get(key);
    if (known) return known;
    const step = emitTensorflow(this.#program, mode, batch, "arguments", phase);
    const { graph, inputs, hypers, variables, losses, logits, updates } = step;
    const fed = [...inputs.values(), ...hypers.values(), ...variables.map(({ handle }) => handle)];
    const form = { graph, inputs: fed, outputs: [losses, logits], updates };
    const name = `${this.#tag}_${key}`;
    if (!this.#interprets) this.#context.addFunction(name, form);
    const compiled = { step, name, form };
    this.#steps.set(key, compiled);
    return compiled;
  }

  /** A function does not check the sizes of what it is given, so they are checked here. */
  #feed({ inputs, hypers }: TensorflowStep, batch: Batch, hyper: StepHyper): TensorHandle[] {
    const { count, labels, mixed } = batch;
    const mixes = mixesLabels(this.#program.config.data);
    invariant(!mixed || mixes, "the images are mixed, but the program mixes none");
    const data: Record<BatchInput, TensorData> = {
      images: batch.images,
      labels,
      other_labels: mixed?.labels ?? labels, // of an image that is not mixed, its own
      label_shares: mixed?.shares ?? new Float32Array(count).fill(1),
    };
    const fed = [...inputs].map(([name, { shape }]) => {
      const size = sizeOf(shape);
      invariant(data[name].length >= size, "the batch holds fewer images than it says");
      return this.#context.tensor(batchInputs[name], shape, data[name].subarray(0, size));
    });
    const values = this.#hyperValues(hyper);
    const scalars = [...hypers.keys()].map((name) =>
      this.#context.tensor("float", [], Float32Array.of(values.get(name)!)),
    );
    return [...fed, ...scalars];
  }

  #hyperValues(hyper: StepHyper): ReadonlyMap<HyperName, number> {
    const { config, graph, plan } = this.#program;
    const rates = groupRates(plan, hyper);
    const values = new Map<HyperName, number>([["average_share", averageShare(config.train, plan, hyper.step)]]);
    for (const { rate, rule } of parameterGroups(config, graph).trained) {
      const [first, second] = momentCorrections(rule, hyper.step);
      values.set(`learning_rate_${rate}`, rates[rate]!);
      values.set(`first_correction_${rate}`, first);
      values.set(`second_correction_root_${rate}`, second);
    }
    return values;
  }

  #createVariables(): void {
    const { graph, config } = this.#program;
    const dims = new Map(
      trainingGraphOf(this.#program, "train").tensors.flatMap((tensor) =>
        tensor.kind === "parameter" || tensor.kind === "statistic" ? [[tensor.name, tensor.dims] as const] : [],
      ),
    );
    const parameters = parametersOf(graph);
    const own = [...parameters, ...statisticsOf(graph)];
    const create = (name: string, tensor: { name: string; shape: readonly number[] }): void => {
      this.#stored.set(name, this.#createVariable(name, tensor.shape, dims.get(tensor.name)!));
    };
    for (const tensor of own) create(tensor.name, tensor);
    for (const { rule, parameters: members } of parameterGroups(config, graph).trained) {
      for (const slot of slotNames(rule)) {
        for (const parameter of members) create(`${parameter.name}.${slot}`, parameter);
      }
    }
    if (averagesWeights(config.train)) for (const tensor of own) create(averageName(tensor.name), tensor);
  }

  #createVariable(name: string, shape: readonly number[], dims: readonly number[]): Stored {
    const attributes = {
      dtype: { type: "float" },
      shape: { shape: dims },
      shared_name: { text: `${this.#tag}/${name}` },
    } as const;
    const [handle] = this.#context.execute("VarHandleOp", [], attributes, 1);
    this.#assign(handle!, dims, new Float32Array(sizeOf(dims)));
    return { shape, dims, handle: handle! };
  }

  #assign(variable: TensorHandle, dims: readonly number[], data: Float32Array): void {
    const value = this.#context.tensor("float", dims, data);
    this.#context.execute("AssignVariableOp", [variable, value], { dtype: { type: "float" } }, 0);
    this.#context.free([value]);
  }
}

function mean(values: Float32Array): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}
