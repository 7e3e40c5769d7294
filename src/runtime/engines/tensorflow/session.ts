// A Program opened on TensorFlow: a variable for every tensor that training changes, and one function for each kind and size
// of batch, all over the same variables.
import { invariant } from "../../../compiler/diagnostics/diagnostic.js";
import type { StepMode } from "../../../compiler/lower/step/differentiate.js";
import type { StepOutputs, TensorflowStep } from "../../../compiler/lower/tensorflow/emit-tensorflow.js";
import { emitTensorflow } from "../../../compiler/lower/tensorflow/emit-tensorflow.js";
import { trainingGraphOf } from "../../../compiler/lower/lower.js";
import type { BatchInput, HyperName } from "../../../compiler/lower/tensorflow/emission.js";
import { batchInputs } from "../../../compiler/lower/tensorflow/emission.js";
import { sumName } from "../../../compiler/lower/tensorflow/gradient-rules.js";
import { scopeOf } from "../../../compiler/lower/tensorflow/tensorflow-graph.js";
import { mixesLabels } from "../../../compiler/training/mixed-labels.js";
import { parametersOf, statisticsOf } from "../../../compiler/network/parameters.js";
import { parameterGroups } from "../../../compiler/training/parameter-groups.js";
import { partsOf } from "../../../compiler/training/parts.js";
import type { Program } from "../../../compiler/program.js";
import { groupRates, phaseAt } from "../../../compiler/training/training-phases.js";
import { momentCorrections, slotNames } from "../../../compiler/training/update-rule.js";
import { averageName, averageShare, averagesWeights } from "../../../compiler/training/weight-average.js";
import type { Batch, EvaluationResult, Session, State, StepHyper, StepResult } from "../engine.js";
import { partOf, updatesOf } from "../engine.js";
import { firstNonFinite } from "../../training/first-non-finite.js";
import { initialize } from "../../training/initialize.js";
import { countCorrect } from "../tfjs/session.js";
import { functionConfig } from "./config-proto.js";
import type { FunctionForm, TensorData, TensorflowContext, TensorHandle } from "./context.js";
import { firstNonFiniteNode, interpret } from "./interpret.js";

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
  /** What gradients of a batch's parts are summed in. */
  readonly #sums = new Map<string, Stored>();
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
    const { train } = this.#program.config;
    if (train.accumulate > 1) return this.#stepInParts(batch, hyper);
    const { losses, logits, gradientNorm } = await this.#run("train", batch, hyper);
    return { loss: mean(losses!), correct: countCorrectOf(logits!, batch), gradientNorm: gradientNorm![0]! };
  }

  /** Sums of gradients are variables too, but none of the State: they mean nothing between steps. */
  async #stepInParts(batch: Batch, hyper: StepHyper): Promise<StepResult> {
    const { graph, config } = this.#program;
    const before = new Map(statisticsOf(graph).map(({ name, shape }) => [name, { shape, data: this.#read(name) }]));
    for (const { handle, dims } of this.#sums.values()) this.#assign(handle, dims, new Float32Array(sizeOf(dims)));
    let [loss, correct, first] = [0, 0, 0];
    for (const count of partsOf(batch.count, config.train)) {
      const part = partOf(batch, first, count);
      const share = count / batch.count;
      const { losses, logits } = await this.#run("train", part, hyper, share);
      loss += share * mean(losses!);
      correct += countCorrectOf(logits!, part);
      first += count;
    }
    const { gradientNorm } = Number.isFinite(loss) ? await this.#run("update", EMPTY, hyper) : UNSOUND;
    if (!Number.isFinite(gradientNorm![0]!)) await this.writeState(before);
    return { loss, correct, gradientNorm: gradientNorm![0]! };
  }

  async findNonFinite(batch: Batch, hyper: StepHyper): Promise<string | undefined> {
    const { graph, config } = this.#program;
    const unsound = firstNonFinite(graph, await this.readState());
    if (unsound !== undefined) return unsound;
    let first = 0;
    for (const count of partsOf(batch.count, config.train)) {
      const phase = phaseAt(this.#program.plan, hyper.step - 1);
      const { step, form } = this.#stepFor("train", count, phase);
      const fed = this.#feed(step, partOf(batch, first, count), hyper, 1);
      const found = firstNonFiniteNode(this.#context, form, [...fed, ...this.#handlesOf(step)]);
      this.#context.free(fed);
      if (found !== undefined) {
        return trainingGraphOf(this.#program, "train", phase).nodes.find(({ name }) => scopeOf(name) === scopeOf(found))
          ?.name;
      }
      first += count;
    }
    return undefined;
  }

  async evaluate(batch: Batch): Promise<EvaluationResult> {
    const { losses, logits } = await this.#run("evaluate", batch, { learningRate: 0, step: 1 });
    return { loss: mean(losses!), correct: countCorrectOf(logits!, batch), logits: logits! };
  }

  async readState(): Promise<State> {
    return new Map([...this.#stored].map(([name, { shape }]) => [name, { shape, data: this.#read(name) }] as const));
  }

  #read(name: string): Float32Array {
    const { handle } = this.#stored.get(name)!;
    const [value] = this.#context.execute("ReadVariableOp", [handle], { dtype: { type: "float" } }, 1);
    const data = this.#context.read(value!);
    this.#context.free([value!]);
    return data;
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
    for (const { handle } of [...this.#stored.values(), ...this.#sums.values()]) {
      this.#context.execute("DestroyResourceOp", [handle], {}, 0);
      this.#context.free([handle]);
    }
    this.#steps.clear();
    this.#stored.clear();
    this.#sums.clear();
  }

  async #run(mode: StepMode, batch: Batch, hyper: StepHyper, partShare = 1): Promise<StepValues> {
    invariant(!this.#isBusy, "a step was started before the last one ended");
    invariant(this.#stored.size > 0, "the session is closed");
    const phase = mode === "evaluate" ? 0 : phaseAt(this.#program.plan, hyper.step - 1);
    const compiled = this.#stepFor(mode, batch.count, phase);
    const fed = this.#feed(compiled.step, batch, hyper, partShare);
    const handles = [...fed, ...this.#handlesOf(compiled.step)];
    this.#isBusy = true;
    try {
      const outputs = await this.#call(compiled, handles);
      const names = namesOf(compiled.step.outputs);
      const values = Object.fromEntries(outputs.map((output, index) => [names[index]!, this.#context.read(output)]));
      this.#context.free(outputs);
      return values;
    } finally {
      this.#context.free(fed);
      this.#isBusy = false;
    }
  }

  #handlesOf({ variables }: TensorflowStep): TensorHandle[] {
    return variables.map(({ name }) => (this.#stored.get(name) ?? this.#sums.get(name))!.handle);
  }

  async #call({ name, form }: CompiledStep, handles: readonly TensorHandle[]): Promise<TensorHandle[]> {
    if (this.#interprets) return interpret(this.#context, form, handles);
    const isBfloat16 = this.#program.config.train.precision === "bfloat16";
    const config = functionConfig(isBfloat16);
    return this.#context.executeAside(name, handles, { config_proto: { bytes: config } }, form.outputs.length);
  }

  /** Functions are emitted when a batch of their size first comes, in each phase of training anew. */
  #stepFor(mode: StepMode, batch: number, phase: number): CompiledStep {
    const key = `${mode}_${batch}_${phase}`;
    const known = this.#steps.get(key);
    if (known) return known;
    const step = emitTensorflow(this.#program, mode, batch, "arguments", phase);
    const { graph, inputs, hypers, variables, outputs, updates } = step;
    const fed = [...inputs.values(), ...hypers.values(), ...variables.map(({ handle }) => handle)];
    const form = { graph, inputs: fed, outputs: namesOf(outputs).map((name) => outputs[name]!), updates };
    const name = `${this.#tag}_${key}`;
    if (!this.#interprets) this.#context.addFunction(name, form);
    const compiled = { step, name, form };
    this.#steps.set(key, compiled);
    return compiled;
  }

  /** A function does not check the sizes of what it is given, so they are checked here. */
  #feed({ inputs, hypers }: TensorflowStep, batch: Batch, hyper: StepHyper, partShare: number): TensorHandle[] {
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
    const values = this.#hyperValues(hyper, partShare);
    const scalars = [...hypers.keys()].map((name) =>
      this.#context.tensor("float", [], Float32Array.of(values.get(name)!)),
    );
    return [...fed, ...scalars];
  }

  #hyperValues(hyper: StepHyper, partShare: number): ReadonlyMap<HyperName, number> {
    const { config, graph, plan } = this.#program;
    const rates = groupRates(plan, hyper);
    const values = new Map<HyperName, number>([
      ["average_share", averageShare(config.train, plan, hyper.step)],
      ["part_share", partShare],
    ]);
    for (const { rateIndex, rule } of parameterGroups(config, graph).trained) {
      const [first, second] = momentCorrections(rule, updatesOf(hyper));
      values.set(`learning_rate_${rateIndex}`, rates[rateIndex]!);
      values.set(`first_correction_${rateIndex}`, first);
      values.set(`second_correction_root_${rateIndex}`, second);
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
    if (config.train.accumulate > 1) {
      for (const { name, shape } of parameters) {
        this.#sums.set(sumName(name), this.#createVariable(sumName(name), shape, dims.get(name)!));
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

type StepValues = { readonly [K in keyof StepOutputs]?: Float32Array };

/** What a step of this mode yields, in the order of its function's outputs. */
function namesOf(outputs: StepOutputs): (keyof StepOutputs)[] {
  return (["losses", "logits", "gradientNorm"] as const).filter((name) => outputs[name] !== null);
}

/** An update needs no images. */
const EMPTY: Batch = { count: 0, images: new Uint8Array(0), labels: new Int32Array(0) };
const UNSOUND: StepValues = { gradientNorm: Float32Array.of(Number.NaN) };

function countCorrectOf(logits: Float32Array, { labels, count }: Batch): number {
  return countCorrect(logits, labels.subarray(0, count));
}

function mean(values: Float32Array): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}
