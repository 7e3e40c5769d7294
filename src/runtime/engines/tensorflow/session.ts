// A Program opened on TensorFlow: a variable for every tensor that training changes, and one function for each kind and size
// of batch, all over the same variables.
import type { StepMode } from "../../../compiler/lower/step/differentiate.js";
import type { StepOutputs, TensorflowStep } from "../../../compiler/lower/tensorflow/emit-tensorflow.js";
import { emitTensorflow } from "../../../compiler/lower/tensorflow/emit-tensorflow.js";
import { trainingGraphOf } from "../../../compiler/lower/lower.js";
import type { BatchInput, HyperName } from "../../../compiler/lower/tensorflow/emission.js";
import { batchInputs } from "../../../compiler/lower/tensorflow/emission.js";
import { sumName } from "../../../compiler/lower/tensorflow/gradient-rules.js";
import { scopeOf } from "../../../compiler/lower/tensorflow/tensorflow-graph.js";
import { parametersOf } from "../../../compiler/network/parameters.js";
import type { Program } from "../../../compiler/program.js";
import type { StateTensor } from "../../../compiler/training/state-tensors.js";
import { drawCounter } from "../../random/drop-words.js";
import type { Batch, EvaluationResult } from "../engine.js";
import type { KeptStatistics, MicroBatch } from "../engine-session.js";
import { countCorrect, EngineSession } from "../engine-session.js";
import type { StepControl } from "../step-control.js";
import { functionConfig } from "./config-proto.js";
import type { FunctionForm, TensorData, TensorflowContext, TensorHandle } from "./context.js";
import { firstNonFiniteNode, interpret } from "./interpret.js";

export interface TensorflowSessionOptions {
  /** Operation by operation instead of as one function. */
  readonly interprets?: boolean;
}

interface Variable {
  /** Of its own: a linear layer is the convolution that it equals. */
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
  return session.initialize();
}

export class TensorflowSession extends EngineSession {
  readonly #context: TensorflowContext;
  readonly #interprets: boolean;
  readonly #tag = `netc${opened++}`;
  /** By the names of a State. */
  readonly #variables = new Map<string, Variable>();
  /** What gradients of micro-batches are summed in: variables too, but none of the State, they mean nothing between steps. */
  readonly #sums = new Map<string, Variable>();
  readonly #steps = new Map<string, CompiledStep>();
  /** Of the last update. */
  #gradientNorm = Number.NaN;

  constructor(program: Program, context: TensorflowContext, { interprets = false }: TensorflowSessionOptions) {
    super(program);
    this.#context = context;
    this.#interprets = interprets;
    this.#createVariables();
  }

  /** Tensors and functions alive in the context that this session shares with others of its device. */
  get held(): number {
    return this.#context.held;
  }

  protected async runMicroBatch(
    microBatch: MicroBatch,
    control: StepControl,
  ): Promise<{ loss: number; correct: number }> {
    if (microBatch.isFirst) {
      for (const sum of this.#sums.values()) this.#assign(sum, new Float32Array(sizeOf(sum.dims)));
    }
    const { losses, logits, gradientNorm } = await this.#run("train", microBatch, control);
    if (gradientNorm) this.#gradientNorm = gradientNorm[0]!;
    return { loss: mean(losses!), correct: countCorrect(logits!, microBatch.labels) };
  }

  protected async runUpdate(loss: number, control: StepControl): Promise<number> {
    if (!this.accumulates) return this.#gradientNorm;
    if (!Number.isFinite(loss)) return Number.NaN;
    const { gradientNorm } = await this.#run("update", EMPTY, control);
    return gradientNorm![0]!;
  }

  protected async inspect(microBatch: MicroBatch, control: StepControl): Promise<string | undefined> {
    const { step, form } = this.#stepFor("train", microBatch.count, control.phase);
    const fed = this.#feed(step, { ...microBatch, share: 1 }, control);
    const found = firstNonFiniteNode(this.#context, form, [...fed, ...this.#handlesOf(step)]);
    this.#context.free(fed);
    if (found === undefined) return undefined;
    const { nodes } = trainingGraphOf(this.program, "train", control.phase);
    return nodes.find(({ name }) => scopeOf(name) === scopeOf(found))?.name;
  }

  /** A step that updates by itself leaves the statistics alone where it leaves out the update. */
  protected keepStatistics(): KeptStatistics {
    const tensors = this.accumulates ? [...this.tensors.values()].filter(({ role }) => role === "statistic") : [];
    const kept = tensors.map((tensor) => [tensor, this.readTensor(tensor)] as const);
    return {
      putBack: () => kept.forEach(([tensor, data]) => this.writeTensor(tensor, data)),
      letGo: () => {},
    };
  }

  protected async runEvaluation(batch: Batch): Promise<EvaluationResult> {
    const { losses, logits } = await this.#run("evaluate", { ...batch, share: 1, index: 0 }, NO_UPDATE);
    return { loss: mean(losses!), correct: countCorrect(logits!, batch.labels), logits: logits! };
  }

  protected readTensor({ name }: StateTensor): Float32Array {
    const { handle } = this.#variables.get(name)!;
    const [value] = this.#context.execute("ReadVariableOp", [handle], { dtype: { type: "float" } }, 1);
    const data = this.#context.read(value!);
    this.#context.free([value!]);
    return data;
  }

  protected writeTensor({ name }: StateTensor, data: Float32Array): void {
    this.#assign(this.#variables.get(name)!, data);
  }

  protected release(): void {
    for (const { name } of this.#steps.values()) if (!this.#interprets) this.#context.removeFunction(name);
    for (const { handle } of [...this.#variables.values(), ...this.#sums.values()]) {
      this.#context.execute("DestroyResourceOp", [handle], {}, 0);
      this.#context.free([handle]);
    }
  }

  async #run(mode: StepMode, batch: Fed, control: StepControl): Promise<StepValues> {
    const compiled = this.#stepFor(mode, batch.count, control.phase);
    const fed = this.#feed(compiled.step, batch, control);
    try {
      const outputs = await this.#call(compiled, [...fed, ...this.#handlesOf(compiled.step)]);
      const names = namesOf(compiled.step.outputs);
      const values = Object.fromEntries(outputs.map((output, index) => [names[index]!, this.#context.read(output)]));
      this.#context.free(outputs);
      return values;
    } finally {
      this.#context.free(fed);
    }
  }

  #handlesOf({ variables }: TensorflowStep): TensorHandle[] {
    return variables.map(({ name }) => (this.#variables.get(name) ?? this.#sums.get(name))!.handle);
  }

  async #call({ name, form }: CompiledStep, handles: readonly TensorHandle[]): Promise<TensorHandle[]> {
    if (this.#interprets) return interpret(this.#context, form, handles);
    const isBfloat16 = this.program.config.train.precision === "bfloat16";
    const config = functionConfig(isBfloat16);
    return this.#context.executeAside(name, handles, { config_proto: { bytes: config } }, form.outputs.length);
  }

  /** Functions are emitted when a batch of their size first comes, in each phase of training anew. */
  #stepFor(mode: StepMode, batch: number, phase: number): CompiledStep {
    const key = `${mode}_${batch}_${phase}`;
    const known = this.#steps.get(key);
    if (known) return known;
    const step = emitTensorflow(this.program, mode, batch, "arguments", phase);
    const { graph, inputs, hypers, variables, outputs, updates } = step;
    const fed = [...inputs.values(), ...hypers.values(), ...variables.map(({ handle }) => handle)];
    const form = { graph, inputs: fed, outputs: namesOf(outputs).map((name) => outputs[name]!), updates };
    const name = `${this.#tag}_${key}`;
    if (!this.#interprets) this.#context.addFunction(name, form);
    const compiled = { step, name, form };
    this.#steps.set(key, compiled);
    return compiled;
  }

  #feed({ inputs, hypers }: TensorflowStep, batch: Fed, control: StepControl): TensorHandle[] {
    const { images, labels, mixed, share } = batch;
    const data: Record<BatchInput, TensorData | undefined> = {
      images,
      labels,
      other_labels: mixed?.labels,
      label_shares: mixed?.shares,
      draws: Int32Array.from(drawCounter({ step: control.step, microBatch: batch.index })),
    };
    const fed = [...inputs].map(([name, { shape }]) => this.#context.tensor(batchInputs[name], shape, data[name]!));
    const values = this.#hyperValues(control, share);
    const scalars = [...hypers.keys()].map((name) =>
      this.#context.tensor("float", [], Float32Array.of(values.get(name)!)),
    );
    return [...fed, ...scalars];
  }

  #hyperValues({ groups, averageShare }: StepControl, share: number): ReadonlyMap<HyperName, number> {
    const values = new Map<HyperName, number>([
      ["average_share", averageShare],
      ["part_share", share],
    ]);
    groups.forEach(({ rate, corrections: [first, second] }, index) => {
      values.set(`learning_rate_${index}`, rate);
      values.set(`first_correction_${index}`, first);
      values.set(`second_correction_root_${index}`, second);
    });
    return values;
  }

  #createVariables(): void {
    const { graph } = this.program;
    const dims = new Map(
      trainingGraphOf(this.program, "train").tensors.flatMap((tensor) =>
        tensor.kind === "parameter" || tensor.kind === "statistic" ? [[tensor.name, tensor.dims] as const] : [],
      ),
    );
    for (const { name, of } of this.tensors.values()) {
      this.#variables.set(name, this.#createVariable(name, dims.get(of)!));
    }
    if (!this.accumulates) return;
    for (const { name } of parametersOf(graph)) {
      this.#sums.set(sumName(name), this.#createVariable(sumName(name), dims.get(name)!));
    }
  }

  #createVariable(name: string, dims: readonly number[]): Variable {
    const attributes = {
      dtype: { type: "float" },
      shape: { shape: dims },
      shared_name: { text: `${this.#tag}/${name}` },
    } as const;
    const [handle] = this.#context.execute("VarHandleOp", [], attributes, 1);
    const variable = { dims, handle: handle! };
    this.#assign(variable, new Float32Array(sizeOf(dims)));
    return variable;
  }

  #assign({ handle, dims }: Variable, data: Float32Array): void {
    const value = this.#context.tensor("float", dims, data);
    this.#context.execute("AssignVariableOp", [handle, value], { dtype: { type: "float" } }, 0);
    this.#context.free([value]);
  }
}

/** What a function is given: of the batch `share` is how much it counts in the step. */
type Fed = Batch & Pick<MicroBatch, "share" | "index">;

type StepValues = { readonly [K in keyof StepOutputs]?: Float32Array };

/** What a step of this mode yields, in the order of its function's outputs. */
function namesOf(outputs: StepOutputs): (keyof StepOutputs)[] {
  return (["losses", "logits", "gradientNorm"] as const).filter((name) => outputs[name] !== null);
}

/** An update needs no images, and an evaluation nothing of an update. */
const EMPTY: Fed = { count: 0, images: new Uint8Array(0), labels: new Int32Array(0), share: 1, index: 0 };
const NO_UPDATE: StepControl = { phase: 0, step: 0, groups: [], averageShare: 0 };

function mean(values: Float32Array): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}
