// ShapedGraph → what model.py.hbs prints: a class for each kind of block, and the network that is made of them.
// Two blocks are of one class where they differ in channels and strides alone, which become the class's arguments.
import { invariant } from "../../../compiler/diagnostics/diagnostic.js";
import type { ShapedGraph } from "../../../compiler/network/graph.js";
import { enumeration } from "../../../compiler/front/language/describe.js";
import type { Program } from "../../../compiler/program.js";
import { lastNorms } from "../../../compiler/network/last-norms.js";
import { forwardStatements } from "./forward.js";
import { inputsOf, layerRules, pair, strideOf } from "./layers.js";
import type { Group, Leaf, Module } from "./modules.js";
import { isChain, isList, moduleTree } from "./modules.js";
import { className } from "./names.js";

export interface ModelView {
  /** "ResNet20": from the file's name. */
  readonly network: string;
  readonly input: { readonly height: number; readonly width: number; readonly channels: number };
  readonly classes: readonly ClassView[];
  readonly usesSequences: boolean;
  readonly usesFunctions: boolean;
  readonly usesTorch: boolean;
  readonly subsamples: boolean;
  readonly pads: boolean;
  readonly shifts: boolean;
  readonly normsPixels: boolean;
  readonly scales: boolean;
  readonly dropsPaths: boolean;
  /** Blocks whose last norm starts at zero where the file asks for it. */
  readonly lastNorms: readonly { readonly block: string; readonly norm: string }[];
}

export interface ClassView {
  readonly name: string;
  readonly summary: string;
  /** `, in_channels: int, channels: int`, as it stands in the signature. */
  readonly parameters: string;
  /** Lines of `__init__`, indented from there. */
  readonly modules: readonly string[];
  /** Lines of `forward`. */
  readonly statements: readonly string[];
}

export function modelView(program: Program): ModelView {
  const { graph, config } = program;
  const tree = moduleTree(graph);
  const blocks = blockClasses(graph, tree);
  const network = unusedName(className(config.name), new Set(blocks.map(({ name }) => name)));
  const classes = [
    ...blocks.map((block) => blockView(graph, blocks, block)),
    {
      name: network,
      summary: "Normalised images [n, channels, height, width] to logits [n, classes].",
      parameters: "",
      modules: tree.children.flatMap((child) => assigned(graph, blocks, child)),
      statements: forwardStatements(graph, tree),
    },
  ];
  const text = classes.flatMap(({ modules, statements }) => [...modules, ...statements]).join("\n");
  return {
    network,
    input: config.model.input,
    classes,
    usesSequences: text.includes("named("),
    usesFunctions: ["F.", "Subsample(", "LayerNorm2d(", "PaddedConv2d("].some((used) => text.includes(used)),
    usesTorch: text.includes("torch.") || text.includes("LearnedScale("),
    subsamples: text.includes("Subsample("),
    shifts: text.includes("ShiftNorm("),
    pads: text.includes("PaddedConv2d("),
    normsPixels: text.includes("LayerNorm2d("),
    scales: text.includes("LearnedScale("),
    dropsPaths: text.includes("DropPath("),
    lastNorms: lastNormsOf(graph, blocks),
  };
}

// ---------------------------------------------------------------- blocks

/** Groups of one structure. */
interface BlockClass {
  readonly name: string;
  readonly structure: string;
  readonly instances: Group[];
}

/** Groups that are no mere sequence, by structure, in the order in which they first appear. */
function blockClasses(graph: ShapedGraph, tree: Group): BlockClass[] {
  const classes: BlockClass[] = [];
  const visit = (module: Module): void => {
    if (module.kind === "leaf") return;
    // A class that a block uses stands before the block's
    module.children.forEach(visit);
    if (module !== tree && !isSequence(module)) {
      const structure = JSON.stringify(module.children.map((child) => structureOf(graph, child, module)));
      const known = classes.find((candidate) => candidate.structure === structure);
      if (known) known.instances.push(module);
      else {
        const taken = new Set(classes.map(({ name }) => name));
        classes.push({ name: unusedName(blockName(module), taken), structure, instances: [module] });
      }
    }
  };
  visit(tree);
  return classes;
}

/** Whether `nn.Sequential` can say it: a chain of modules, or of what has one for sequences. */
function isSequence(group: Group): boolean {
  const isModule = (child: Module): boolean => {
    if (child.kind === "group") return true;
    const { module, inSequence } = layerRules[child.node.op.kind];
    return module !== null || inSequence !== undefined;
  };
  return isChain(group) && group.children.every(isModule);
}

/** Everything about a block but its channels and strides; groups of one channel each are as many as those. */
function structureOf(graph: ShapedGraph, module: Module, block: Group): unknown {
  const own = leavesIn(block);
  // Where an input lies outside, it is the block's own
  const relative = module.inputs.map((input) => own.findIndex(({ index }) => index === input));
  if (module.kind === "group") return [module.name, relative, module.children.map((c) => structureOf(graph, c, block))];
  // Where a slice begins and ends stands in `forward` as numbers
  if (module.node.op.kind === "slice") return [module.name, relative, module.node.op];
  const { channels: _, stride, groups, ...rest } = { channels: 0, stride: undefined, groups: 1, ...module.node.op };
  const shares = groups === inputsOf(graph, module.node) ? "channels" : groups;
  return [module.name, relative, rest, shares, stride && stride[0] === stride[1] ? "square" : stride];
}

function blockName(block: Group): string {
  const has = (kind: string): boolean =>
    block.children.some((child) => child.kind === "leaf" && child.node.op.kind === kind);
  if (has("multiply") && has("global_average_pool")) return "SqueezeExcite";
  const hasAddition = has("add");
  if (!hasAddition) return "Block";
  return block.children.some(({ name }) => name === "projection") ? "ProjectionBlock" : "ResidualBlock";
}

function unusedName(name: string, taken: ReadonlySet<string>): string {
  if (!taken.has(name)) return name;
  for (let number = 2; ; number++) if (!taken.has(`${name}${number}`)) return `${name}${number}`;
}

function blockView(graph: ShapedGraph, blocks: readonly BlockClass[], { name, instances }: BlockClass): ClassView {
  const [first] = instances as [Group];
  const names = argumentNames(graph, instances);
  const parameters = [...new Set([...names.channels.values(), ...names.strides.values()])];
  return {
    name,
    summary: summaryOf(first),
    parameters: parameters.map((parameter) => `, ${parameter}: int`).join(""),
    modules: first.children.flatMap((child) => assigned(graph, blocks, child, names)),
    statements: forwardStatements(graph, first),
  };
}

/** For the values that vary from block to block of a class, what the class calls them. */
interface ArgumentNames {
  /** Channels of each instance, joined ("16,16,32") → name. */
  readonly channels: ReadonlyMap<string, string>;
  readonly strides: ReadonlyMap<string, string>;
  /** Channels or strides of a leaf in every instance, joined. */
  readonly key: (leaf: Leaf, value: (graph: ShapedGraph, leaf: Leaf) => number | undefined) => string;
  /** A group within the first instance, as it is in every instance. */
  readonly counterparts: (group: Group) => Group[];
}

function argumentNames(graph: ShapedGraph, instances: readonly Group[]): ArgumentNames {
  const [first] = instances as [Group];
  const leavesOf = instances.map(leavesIn);
  const own = leavesOf[0]!;
  const key: ArgumentNames["key"] = (leaf, value) => {
    const place = own.indexOf(leaf);
    return leavesOf.map((leaves) => value(graph, leaves[place]!)).join(",");
  };
  const channels = new Map<string, string>();
  const strides = new Map<string, string>();
  const outgoing = instances.map((instance) => graph.nodes[instance.index]!.shape.channels).join(",");
  const incoming = instances.map((instance) => graph.nodes[instance.inputs[0]]!.shape.channels).join(",");
  if (incoming !== outgoing) channels.set(incoming, "in_channels");
  channels.set(outgoing, "channels");
  for (const leaf of own) {
    if (!layerRules[leaf.node.op.kind].module) continue;
    const outputs = key(leaf, outputsOf);
    if (!channels.has(outputs)) channels.set(outputs, `${nameWithin(first, leaf)}_channels`);
    const stride = key(leaf, (_, { node }) => strideOf(node));
    if (new Set(stride.split(",")).size > 1 && !strides.has(stride)) {
      strides.set(stride, strides.size === 0 ? "stride" : `${nameWithin(first, leaf)}_stride`);
    }
  }
  const groupsOf = instances.map(groupsIn);
  const counterparts = (group: Group): Group[] => groupsOf.map((groups) => groups[groupsOf[0]!.indexOf(group)]!);
  return { channels, strides, key, counterparts };
}

function groupsIn(module: Module): Group[] {
  return module.kind === "leaf" ? [] : [module, ...module.children.flatMap(groupsIn)];
}

function leavesIn(module: Module): Leaf[] {
  return module.kind === "leaf" ? [module] : module.children.flatMap(leavesIn);
}

function nameWithin(block: Group, leaf: Leaf): string {
  const inner = block.children.find((child) => leavesIn(child).includes(leaf))!;
  return inner === leaf ? leaf.name : `${inner.name}_${leaf.name}`;
}

function outputsOf(graph: ShapedGraph, { index }: Leaf): number {
  return graph.nodes[index]!.shape.channels;
}

function summaryOf(block: Group): string {
  const parts = block.children.filter((child) => leavesIn(child).some(({ node }) => layerRules[node.op.kind].module));
  const kinds: Readonly<Record<string, string>> = { Block: "A block", SqueezeExcite: "A gate for each channel," };
  const kind = kinds[blockName(block)] ?? "A residual block";
  return `${kind} of ${enumeration(
    parts.map(({ name }) => name),
    "and",
  )}.`;
}

// ---------------------------------------------------------------- constructors

/** `self.conv1 = nn.Conv2d(…)`, over several lines where it is a sequence; none for what has no module. */
function assigned(graph: ShapedGraph, blocks: readonly BlockClass[], module: Module, names?: ArgumentNames): string[] {
  if (module.kind === "leaf" && !layerRules[module.node.op.kind].module) return [];
  const [first, ...rest] = constructed(graph, blocks, module, false, names);
  return [`self.${module.name} = ${first}`, ...rest].flatMap(brokenCall);
}

/** A call that leaves no room on its line has its arguments on the next; the class and `__init__` indent it by 8. */
function brokenCall(line: string): string[] {
  const [, indent, opening, values, comma] = /^( *)([^(]*\()(.+)\)(,?)$/.exec(line) ?? [];
  if (line.length + 8 <= 120 || indent === undefined) return [line];
  return [`${indent}${opening}`, `${indent}    ${values}`, `${indent})${comma}`];
}

/** Lines of the expression that makes a module. */
function constructed(
  graph: ShapedGraph,
  blocks: readonly BlockClass[],
  module: Module,
  inSequence: boolean,
  names?: ArgumentNames,
): string[] {
  if (module.kind === "leaf") return [leafConstructor(graph, module, inSequence, names)];
  const block = blocks.find(({ instances }) => instances.includes(module));
  if (block) return [blockCall(graph, block, module, names)];
  if (isList(module)) {
    const items = module.children.map((child) => constructed(graph, blocks, child, true, names));
    return ["nn.Sequential(", ...folded(items).map((line) => `    ${line}`), ")"];
  }
  const items = module.children.map((child) => {
    const [first, ...rest] = withComma(constructed(graph, blocks, child, true, names));
    return [`${child.name}=${first}`, ...rest];
  });
  return ["named(", ...items.flat().map((line) => `    ${line}`), ")"];
}

function withComma(lines: readonly string[]): string[] {
  return [...lines.slice(0, -1), `${lines.at(-1)},`];
}

/** Items of a list, a line or more each; three and more of the same as a loop. */
function folded(items: readonly (readonly string[])[]): string[] {
  const lines: string[] = [];
  for (let start = 0; start < items.length;) {
    let end = start + 1;
    while (end < items.length && items[end]!.join("\n") === items[start]!.join("\n")) end++;
    const count = end - start;
    if (count >= 3 && items[start]!.length === 1) lines.push(`*[${items[start]![0]} for _ in range(${count})],`);
    else for (let place = start; place < end; place++) lines.push(...withComma(items[place]!));
    start = end;
  }
  return lines;
}

/** Arguments are numbers, or what an enclosing class calls what varies from one of its instances to the next. */
function blockCall(graph: ShapedGraph, { name, instances }: BlockClass, module: Group, outer?: ArgumentNames): string {
  const { channels, strides } = argumentNames(graph, instances);
  const within = outer ? outer.counterparts(module) : [module];
  const places = within.map((each) => instances.indexOf(each));
  const values = new Map<string, string>();
  for (const kind of ["channels", "strides"] as const) {
    for (const [joined, argument] of kind === "channels" ? channels : strides) {
      const each = places.map((place) => joined.split(",")[place]!);
      const varies = new Set(each).size > 1;
      const named = outer?.[kind].get(each.join(","));
      invariant(named !== undefined || !varies, `${name} gets ${argument} from the class around it`);
      values.set(argument, named ?? each[0]!);
    }
  }
  return `${name}(${[...values].map(([argument, value]) => `${argument}=${value}`).join(", ")})`;
}

function leafConstructor(graph: ShapedGraph, leaf: Leaf, inSequence: boolean, names?: ArgumentNames): string {
  const { node } = leaf;
  const rule = layerRules[node.op.kind] as (typeof layerRules)["conv2d"];
  const op = node.op as never;
  if (!rule.module) {
    invariant(inSequence && rule.inSequence, `${node.name} is a module`);
    return rule.inSequence(op);
  }
  const stride = "stride" in node.op ? pair(node.op.stride) : "1";
  const numbers = {
    inputs: String(inputsOf(graph, node)),
    outputs: String(outputsOf(graph, leaf)),
    stride,
  };
  if (!names) return rule.module(op, numbers, graph, node);
  const named = (
    kind: "channels" | "strides",
    value: (graph: ShapedGraph, leaf: Leaf) => number | undefined,
  ): string | undefined => names[kind].get(names.key(leaf, value));
  return rule.module(
    op,
    {
      inputs: named("channels", (_, { node }) => inputsOf(graph, node)) ?? numbers.inputs,
      outputs: named("channels", outputsOf) ?? numbers.outputs,
      stride: named("strides", (_, { node }) => strideOf(node)) ?? stride,
    },
    graph,
    node,
  );
}

function lastNormsOf(graph: ShapedGraph, blocks: readonly BlockClass[]): ModelView["lastNorms"] {
  const norms = lastNorms(graph);
  return blocks.flatMap(({ name, instances }) =>
    leavesIn(instances[0]!)
      .filter(({ index, node }) => norms.has(index) && node.op.kind === "batch_norm" && node.op.scale)
      .map((leaf) => ({ block: name, norm: leaf.name })),
  );
}
