// ResolvedConfig → Graph: stem, stages of blocks, pooling and classifier become typed nodes.
// Each node remembers the value of the file that asked for it, so that a later pass can still point there.
import type {
  ActivationConfig,
  ModelConfig,
  NormConfig,
  ResolvedConfig,
  StageConfig,
  WindowConfig,
} from "../config.js";
import { invariant } from "../diagnostics/diagnostic.js";
import type { Path } from "../diagnostics/diagnostic.js";
import type { Graph, Node, Op, Window } from "./graph.js";

export function buildGraph(config: ResolvedConfig): Graph {
  const builder = new GraphBuilder();
  const { model } = config;
  let current = builder.add("input", { kind: "input", ...model.input }, [], ["model", "input"]);
  current = addStem(builder, model, current);
  model.stages.forEach((stage, index) => {
    if (stage.pool) {
      const origin: Path = ["model", "stages", index, "pool"];
      const pool: Op = { kind: "max_pool", ...square(stage.pool.max) };
      current = builder.add(`stages.${index}.pool`, pool, [current], origin);
    }
    const addBlock = stage.block === "residual" ? addResidualBlock : addGroup;
    for (let block = 0; block < stage.blocks; block++) {
      current = addBlock(builder, stage, index, block, current);
    }
  });
  current = builder.add("pooling", poolingOp(model), [current], ["model", "pooling"]);
  const { classes, bias, scale } = model.classifier;
  const origin: Path = ["model", "classifier"];
  current = builder.add("classifier", { kind: "linear", features: classes, bias }, [current], origin);
  if (scale !== 1) builder.add("scale", { kind: "scale", factor: scale }, [current], [...origin, "scale"]);
  return { nodes: builder.nodes };
}

class GraphBuilder {
  readonly nodes: Node[] = [];

  add(name: string, op: Op, inputs: readonly number[], origin: Path): number {
    this.nodes.push({ name, op, inputs, origin });
    return this.nodes.length - 1;
  }

  /** Adds nothing for `none` and hands back the input. */
  addNorm(name: string, norm: NormConfig, input: number, origin: Path): number {
    if (norm === "none") return input;
    return this.add(name, { kind: "batch_norm", ...norm.batch }, [input], origin);
  }

  addActivation(name: string, activation: ActivationConfig, input: number, origin: Path): number {
    if (activation === "none") return input;
    return this.add(name, { kind: activation }, [input], origin);
  }
}

function addStem(builder: GraphBuilder, { stem }: ModelConfig, input: number): number {
  const origin: Path = ["model", "stem"];
  const { channels, bias } = stem;
  let current = builder.add("stem.conv", { kind: "conv2d", channels, bias, ...square(stem) }, [input], origin);
  current = builder.addNorm("stem.norm", stem.norm, current, [...origin, "norm"]);
  current = builder.addActivation("stem.activation", stem.activation, current, [...origin, "activation"]);
  if (!stem.pool) return current;
  return builder.add("stem.pool", { kind: "max_pool", ...square(stem.pool.max) }, [current], [...origin, "pool"]);
}

/** conv → norm → activation → conv → norm (→ activation) + shortcut → activation (He et al. 2015, §3). */
function addResidualBlock(
  builder: GraphBuilder,
  stage: StageConfig,
  stageIndex: number,
  blockIndex: number,
  input: number,
): number {
  const origin: Path = ["model", "stages", stageIndex];
  const name = `stages.${stageIndex}.blocks.${blockIndex}`;
  const stride = blockIndex === 0 ? stage.stride : 1;
  const { channels } = stage;
  const conv3x3 = (step: number): Op => ({
    kind: "conv2d",
    channels,
    bias: false,
    ...square({ kernel: 3, stride: step, padding: 1 }),
  });

  let branch = builder.add(`${name}.conv1`, conv3x3(stride), [input], origin);
  branch = builder.addNorm(`${name}.norm1`, stage.norm, branch, [...origin, "norm"]);
  branch = builder.addActivation(`${name}.activation1`, stage.activation, branch, [...origin, "activation"]);
  branch = builder.add(`${name}.conv2`, conv3x3(1), [branch], origin);
  branch = builder.addNorm(`${name}.norm2`, stage.norm, branch, [...origin, "norm"]);
  if (stage.activation_before_add) {
    const path = [...origin, "activation_before_add"];
    branch = builder.addActivation(`${name}.activation2`, stage.activation, branch, path);
  }

  const projection = blockIndex === 0 && stage.projection; // within a stage both sides have the same shape
  const path = [...origin, "projection"];
  let shortcut = input;
  if (projection === "subsample") {
    const op: Op = { kind: "subsample", channels, stride: [stride, stride] };
    shortcut = builder.add(`${name}.projection`, op, [input], path);
  } else if (projection) {
    const { bias, norm } = projection;
    const window = square({ kernel: 1, stride, padding: 0 });
    const conv: Op = { kind: "conv2d", channels, bias, ...window };
    shortcut = builder.add(`${name}.projection.conv`, conv, [input], path);
    shortcut = builder.addNorm(`${name}.projection.norm`, norm, shortcut, path);
  }
  const sum = builder.add(`${name}.add`, { kind: "add" }, [branch, shortcut], origin);
  return builder.addActivation(`${name}.activation`, stage.activation, sum, [...origin, "activation"]);
}

/** conv → pool → norm → activation, then conv → norm → activation for as long as there are convolutions (arXiv 2404.00498, §3). */
function addGroup(
  builder: GraphBuilder,
  stage: StageConfig,
  stageIndex: number,
  blockIndex: number,
  input: number,
): number {
  invariant(stage.block !== "residual", "a stage of residual blocks was built as groups");
  const { convolutions, pool, shortcut } = stage.block.group;
  const origin: Path = ["model", "stages", stageIndex];
  const name = `stages.${stageIndex}.blocks.${blockIndex}`;
  const { channels } = stage;
  let current = input;
  let afterFirst = input;
  for (let layer = 1; layer <= convolutions; layer++) {
    const stride = blockIndex === 0 && layer === 1 ? stage.stride : 1;
    const window = square({ kernel: 3, stride, padding: 1 });
    const conv: Op = { kind: "conv2d", channels, bias: false, ...window };
    current = builder.add(`${name}.conv${layer}`, conv, [current], origin);
    if (pool && blockIndex === 0 && layer === 1) {
      const path: Path = [...origin, "block", "group", "pool"];
      current = builder.add(`${name}.pool`, { kind: "max_pool", ...square(pool.max) }, [current], path);
    }
    current = builder.addNorm(`${name}.norm${layer}`, stage.norm, current, [...origin, "norm"]);
    if (shortcut && layer > 1 && layer === convolutions) {
      const path: Path = [...origin, "block", "group", "shortcut"];
      current = builder.add(`${name}.add`, { kind: "add" }, [current, afterFirst], path);
    }
    current = builder.addActivation(`${name}.activation${layer}`, stage.activation, current, [...origin, "activation"]);
    if (layer === 1) afterFirst = current;
  }
  return current;
}

function poolingOp({ pooling }: ModelConfig): Op {
  if (pooling === "global_average") return { kind: "global_average_pool" };
  if ("average" in pooling) return { kind: "average_pool", ...square(pooling.average) };
  return { kind: "max_pool", ...square(pooling.max) };
}

function square({ kernel, stride, padding }: WindowConfig): Window {
  return {
    kernel: [kernel, kernel],
    stride: [stride, stride],
    padding: { top: padding, bottom: padding, left: padding, right: padding },
  };
}
