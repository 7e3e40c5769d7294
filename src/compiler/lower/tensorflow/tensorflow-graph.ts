// A graph of TensorFlow operations as plain data, built node by node, and its form as GraphDef bytes.
import { Message } from "../../targets/protobuf.js";

/** TensorFlow's types.proto. */
export const dataTypes = { float: 1, int32: 3, uint8: 4, bool: 10, resource: 20, uint64: 23 } as const;
export type DataType = keyof typeof dataTypes;

export type ConstantData = Float32Array | Int32Array;

export type Attribute =
  | { readonly type: DataType }
  | { readonly int: number }
  | { readonly float: number }
  | { readonly bool: boolean }
  | { readonly text: string }
  | { readonly ints: readonly number[] }
  /** A dimension of −1 is open. */
  | { readonly shape: readonly number[] }
  | { readonly tensor: { readonly type: DataType; readonly shape: readonly number[]; readonly data: ConstantData } };

export type Attributes = Readonly<Record<string, Attribute>>;

export interface TensorflowNode {
  readonly name: string;
  readonly op: string;
  readonly inputs: readonly Output[];
  /** Nodes that must have run before, without giving a value. */
  readonly after: readonly TensorflowNode[];
  readonly attributes: Attributes;
  /** How many values it yields. */
  readonly outputs: number;
}

/** One value that a node yields. */
export interface Output {
  readonly node: TensorflowNode;
  readonly index: number;
  readonly shape: readonly number[];
  readonly type: DataType;
}

export interface NodeOptions {
  /** Where it differs from the operation's name. */
  readonly name?: string;
  readonly after?: readonly TensorflowNode[];
}

/** Appends nodes; `scope` is what their names begin with. */
export class TensorflowGraph {
  readonly nodes: TensorflowNode[] = [];
  scope = "";
  readonly #uses = new Map<string, number>();

  /** A node with several values, all float. */
  add(
    op: string,
    inputs: readonly Output[],
    attributes: Attributes,
    shapes: readonly (readonly number[])[],
    { name = op, after = [] }: NodeOptions = {},
  ): Output[] {
    const node = { name: this.#unused(name), op, inputs, after, attributes, outputs: shapes.length };
    this.nodes.push(node);
    return shapes.map((shape, index) => ({ node, index, shape, type: "float" }));
  }

  /** A node with one value. */
  one(
    op: string,
    inputs: readonly Output[],
    attributes: Attributes,
    shape: readonly number[],
    options: NodeOptions & { readonly type?: DataType } = {},
  ): Output {
    return { ...this.add(op, inputs, attributes, [shape], options)[0]!, type: options.type ?? "float" };
  }

  /** A node that yields nothing and changes something. */
  effect(op: string, inputs: readonly Output[], attributes: Attributes, options?: NodeOptions): TensorflowNode {
    this.add(op, inputs, attributes, [], options);
    return this.nodes.at(-1)!;
  }

  constant(data: ConstantData, shape: readonly number[], name = "Const"): Output {
    const type = data instanceof Float32Array ? "float" : "int32";
    return this.one("Const", [], { dtype: { type }, value: { tensor: { type, shape, data } } }, shape, { type, name });
  }

  float(value: number): Output {
    return this.constant(Float32Array.of(value), []);
  }

  integers(values: readonly number[]): Output {
    return this.constant(Int32Array.from(values), [values.length]);
  }

  placeholder(name: string, type: DataType, shape: readonly number[]): Output {
    return this.one("Placeholder", [], { dtype: { type }, shape: { shape } }, shape, { type, name });
  }

  /** TensorFlow allows letters, digits and . _ / - in names; two nodes never share one. */
  #unused(name: string): string {
    const legal = legalName(`${this.scope}${name}`);
    const uses = this.#uses.get(legal) ?? 0;
    this.#uses.set(legal, uses + 1);
    return uses === 0 ? legal : this.#unused(`${name}-${uses}`);
  }
}

function legalName(name: string): string {
  const scoped = name.replaceAll(/[^A-Za-z0-9._/-]/g, "_");
  return /^[A-Za-z0-9.]/.test(scoped) ? scoped : `n${scoped}`;
}

/** What the names of the nodes begin with that were added in a scope, given its name or that of such a node. */
export function scopeOf(name: string): string {
  return legalName(name.split("/")[0]!);
}

/** `producer` of versions.proto: what TensorFlow 2.16 wrote; newer readers accept it. */
const PRODUCER = 1882;

export function graphDef({ nodes }: TensorflowGraph): Message {
  const graph = new Message();
  for (const { name, op, inputs, after, attributes } of nodes) {
    const node = new Message().text(1, name).text(2, op);
    for (const { node: source, index } of inputs) node.text(3, index === 0 ? source.name : `${source.name}:${index}`);
    for (const { name: earlier } of after) node.text(3, `^${earlier}`);
    for (const [key, value] of Object.entries(attributes)) {
      node.message(5, new Message().text(1, key).message(2, attributeValue(value)));
    }
    graph.message(1, node);
  }
  return graph.message(4, new Message().int(1, PRODUCER));
}

export function shapeProto(shape: readonly number[]): Message {
  const message = new Message();
  for (const size of shape) message.message(2, new Message().int(1, size));
  return message;
}

/** attr_value.proto */
function attributeValue(attribute: Attribute): Message {
  const message = new Message();
  if ("type" in attribute) return message.int(6, dataTypes[attribute.type]);
  if ("int" in attribute) return message.int(3, attribute.int);
  if ("float" in attribute) return message.float(4, attribute.float);
  if ("bool" in attribute) return message.int(5, attribute.bool);
  if ("text" in attribute) return message.text(2, attribute.text);
  if ("shape" in attribute) return message.message(7, shapeProto(attribute.shape));
  if ("ints" in attribute) {
    const list = new Message();
    for (const value of attribute.ints) list.int(3, value);
    return message.message(1, list);
  }
  const { type, shape, data } = attribute.tensor;
  const content = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  return message.message(8, new Message().int(1, dataTypes[type]).message(2, shapeProto(shape)).bytes(4, content));
}
