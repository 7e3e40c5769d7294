// A file of torch.save, as a zip archive or the stream of pickles that it was before PyTorch 1.6 → its tensors.
import type { ByteSource } from "./byte-source.js";
import { isWithin, UnreadableWeights } from "./byte-source.js";
import { elementType, readElements } from "./element-types.js";
import type { PickleValue, Unpickled } from "./pickle.js";
import { isNode, PickleGoesOn, unpickle } from "./pickle.js";
import type { TorchObjects, TorchTensor } from "./torch-objects.js";
import { storageOf, torchObjects } from "./torch-objects.js";
import type { StoredTensor, WeightsFile } from "./weights-file.js";
import { elementsIn } from "./weights-file.js";
import { contentStart, zipEntries } from "./zip.js";

/** Where the bytes of a storage are. */
interface Extent {
  readonly at: number;
  readonly bytes: number;
}

interface Storages {
  readonly isLittleEndian: boolean;
  readonly extentOf: (key: string) => Promise<Extent | undefined>;
}

const LARGEST_PICKLE = 64 * 1024 * 1024; // that of a network of 150 layers has 30 KB

export async function readTorchZip(source: ByteSource): Promise<WeightsFile> {
  const entries = await zipEntries(source);
  const pickles = [...entries.keys()].filter((name) => name === "data.pkl" || name.endsWith("/data.pkl"));
  if (pickles.length !== 1) {
    throw new UnreadableWeights(
      "is a zip file, but none of torch.save: it has no data.pkl; unpack it, or name the file of weights that is in it",
    );
  }
  const folder = pickles[0]!.slice(0, -"data.pkl".length);
  if (entries.has(`${folder}constants.pkl`)) {
    throw new UnreadableWeights(
      "is a TorchScript program; save its weights alone, `torch.save(torch.jit.load(path).state_dict(), other)`",
    );
  }
  const content = async (name: string): Promise<Extent | undefined> => {
    const entry = entries.get(folder + name);
    return entry && { at: await contentStart(source, entry), bytes: entry.size };
  };
  const pickle = (await content("data.pkl"))!;
  if (pickle.bytes > LARGEST_PICKLE) throw new UnreadableWeights("is no file of weights: its pickle is too large");
  const root = wholePickle(await source.read(pickle.at, pickle.bytes), source.size);
  const order = await content("byteorder");
  const isLittleEndian = !order || (await source.read(order.at, Math.min(order.bytes, 3))).join() !== BIG;
  const storages = { isLittleEndian, extentOf: (key: string) => content(`data/${key}`) };
  return weightsIn(source, torchObjects(root), "torch.save, zip", storages);
}

const BIG = [...Buffer.from("big")].join();

/** The magic number that every such stream begins with (torch/serialization.py). */
const MAGIC = 0x1950a86a20f9469cfc6cn;

/** Pickles of the magic number, the protocol, the machine, the object, the storages' keys; then each storage's length and elements. */
export async function readTorchStream(source: ByteSource): Promise<WeightsFile> {
  const magic = await pickleFrom(source, 0);
  if (magic.value !== MAGIC) throw new UnreadableWeights("is a pickle, but not one of torch.save");
  const protocol = await pickleFrom(source, magic.end);
  const machine = await pickleFrom(source, protocol.end);
  if (valueAt(machine.value, "little_endian") === false) {
    throw new UnreadableWeights("was saved on a big-endian machine; load and save it again with a PyTorch of today");
  }
  const main = await pickleFrom(source, machine.end);
  const keys = await pickleFrom(source, main.end);
  if (!isNode(keys.value) || keys.value.kind !== "list" || !keys.value.items.every((key) => typeof key === "string")) {
    throw new UnreadableWeights("is damaged: the list of its storages is missing");
  }
  const objects = torchObjects(main.value);
  const widths = new Map(objects.tensors.map(({ storage }) => [storage.key, elementType(storage.dtype)?.bytes]));
  const extents = new Map<string, Extent>();
  let at = keys.end;
  for (const key of keys.value.items as string[]) {
    const width = widths.get(key) ?? widthOfUnseen(main.value, key);
    if (width === undefined)
      throw new UnreadableWeights("is damaged, or holds numbers of a type that netc does not know");
    const header = await source.read(at, 8);
    const count = Number(new DataView(header.buffer, header.byteOffset, 8).getBigInt64(0, true));
    const extent = { at: at + 8, bytes: count * width };
    if (!isWithin(source.size, extent.at, extent.bytes)) {
      throw new UnreadableWeights("is damaged, or only a part of a file: a tensor goes on beyond its end");
    }
    extents.set(key, extent);
    at = extent.at + extent.bytes;
  }
  const storages = { isLittleEndian: true, extentOf: async (key: string) => extents.get(key) };
  return weightsIn(source, objects, "torch.save, before PyTorch 1.6", storages);
}

/** Bytes of an element of a storage that no tensor shows: one within an object that stays a name. */
function widthOfUnseen(root: PickleValue, wanted: string): number | undefined {
  const seen = new Set<PickleValue>();
  const waiting: PickleValue[] = [root];
  while (waiting.length > 0) {
    const value = waiting.pop()!;
    if (!isNode(value) || seen.has(value)) continue;
    seen.add(value);
    const storage = storageOf(value);
    if (storage?.key === wanted) return elementType(storage.dtype)?.bytes;
    if ("items" in value) for (const item of value.items) waiting.push(item);
    if ("args" in value) for (const item of value.args) waiting.push(item);
  }
  return undefined;
}

/** The pickle that begins there, of which the length is not known: read in windows that grow. */
async function pickleFrom(source: ByteSource, at: number): Promise<Unpickled> {
  for (let length = FIRST_WINDOW; ; length *= 4) {
    const there = Math.max(0, Math.min(length, source.size - at));
    try {
      const { value, end } = unpickle(await source.read(at, there), source.size);
      return { value, end: at + end };
    } catch (error) {
      if (!(error instanceof PickleGoesOn)) throw error;
      if (at + there === source.size) throw new UnreadableWeights("is only a part of a file: it ends within a pickle");
      if (length >= LARGEST_PICKLE) throw new UnreadableWeights("is no file of weights: its pickle is too large");
    }
  }
}

const FIRST_WINDOW = 64 * 1024;

function wholePickle(bytes: Uint8Array, fileBytes: number): PickleValue {
  try {
    return unpickle(bytes, fileBytes).value;
  } catch (error) {
    if (error instanceof PickleGoesOn) throw new UnreadableWeights("is damaged: its pickle ends early");
    throw error;
  }
}

function valueAt(value: PickleValue, key: string): PickleValue | undefined {
  if (!isNode(value) || value.kind !== "dict") return undefined;
  return value.items[value.keys.indexOf(key)];
}

/** Keys under which programs keep weights beside an optimizer and counters, the likeliest first. */
const SECTIONS = [
  "state_dict",
  "model_state_dict",
  "model_state",
  "model",
  "net",
  "network",
  "weights",
  "params",
  "module",
];
const MOST_SECTIONS = 8; // named in a sentence

async function weightsIn(
  source: ByteSource,
  { tensors, objects }: TorchObjects,
  format: string,
  storages: Storages,
): Promise<WeightsFile> {
  const wrappers: string[] = [];
  let within = tensors;
  for (;;) {
    const depth = wrappers.length;
    const sections = new Set(within.filter(({ path }) => path.length > depth + 1).map(({ path }) => path[depth]!));
    const hasOwn = within.some(({ path }) => path.length === depth + 1);
    // A flat dict of tensors is one of weights; nested ones hold them in one of their sections
    const section = hasOwn || sections.size === 0 ? undefined : sectionOf([...sections]);
    if (section === undefined) break;
    wrappers.push(section);
    within = within.filter(({ path }) => path[depth] === section);
  }
  if (within.length === 0) throw withoutTensors(objects);
  const names = new Set<string>();
  const stored: StoredTensor[] = [];
  for (const tensor of within) {
    const name = tensor.path.slice(wrappers.length).join(".");
    if (names.has(name)) throw new UnreadableWeights(`is damaged: it names ${JSON.stringify(name)} twice`);
    names.add(name);
    await requireWithinStorage(tensor, name, storages);
    stored.push({
      name,
      dtype: tensor.dtype,
      shape: tensor.shape,
      read: () => readTensor(source, tensor, name, storages),
    });
  }
  return {
    format,
    tensors: stored,
    isInOrder: true,
    wrappers,
    others: tensors.length - within.length,
    objects: objects
      .filter(({ path }) => wrappers.every((wrapper, index) => path[index] === wrapper))
      .map(({ path, callee }) => `${path.slice(wrappers.length).join(".")} (${callee})`),
    metadata: {},
    close: () => source.close(),
  };
}

function sectionOf(sections: readonly string[]): string {
  const known = SECTIONS.find((name) => sections.includes(name));
  if (known !== undefined) return known;
  if (sections.length === 1) return sections[0]!;
  const names = sections.slice(0, MOST_SECTIONS).map((name) => JSON.stringify(name.slice(0, 100)));
  const more = sections.length > MOST_SECTIONS ? " and others" : "";
  throw new UnreadableWeights(
    `holds tensors under ${names.join(", ")}${more}, and none of these is called as weights are (${SECTIONS.join(", ")}); save the weights alone with PyTorch`,
  );
}

/** A model pickled as a whole cannot be read without the program that defines it. */
function withoutTensors(objects: TorchObjects["objects"]): UnreadableWeights {
  const program = objects.find(({ callee }) => !callee.startsWith("collections.") && !callee.startsWith("torch."));
  const [object = undefined] = program ? [program] : objects;
  if (!object) return new UnreadableWeights("holds no tensors");
  const place = object.path.length > 0 ? `under ${JSON.stringify(object.path.join(".").slice(0, 100))} ` : "";
  return new UnreadableWeights(
    `holds ${place}a whole object of Python (${object.callee.slice(0, 200)}), which only the program that made it can open; save its weights alone there: \`torch.save(model.state_dict(), "weights.pth")\``,
  );
}

/** @throws UnreadableWeights where an element of the tensor would lie outside of its storage. */
async function requireWithinStorage(tensor: TorchTensor, name: string, storages: Storages): Promise<void> {
  const extent = await storages.extentOf(tensor.storage.key);
  const width = elementType(tensor.dtype)?.bytes;
  if (!extent) throw new UnreadableWeights(`is damaged: the storage of ${JSON.stringify(name)} is missing`);
  if (width === undefined || elementsIn(tensor.shape) === 0) return;
  if (!isWithin(extent.bytes, tensor.offset * width, spanOf(tensor) * width)) {
    throw new UnreadableWeights(`is damaged: ${JSON.stringify(name)} reaches beyond its storage`);
  }
}

/** Elements from the first to the last in the storage. */
function spanOf({ shape, strides }: TorchTensor): number {
  return 1 + shape.reduce((sum, size, axis) => sum + (size - 1) * strides[axis]!, 0);
}

async function readTensor(
  source: ByteSource,
  tensor: TorchTensor,
  name: string,
  { extentOf, isLittleEndian }: Storages,
): Promise<Float32Array> {
  const type = elementType(tensor.dtype);
  if (!type?.read) {
    throw new UnreadableWeights(
      `holds ${JSON.stringify(name)} as ${tensor.dtype}, which netc does not read as weights`,
    );
  }
  const { shape, strides } = tensor;
  const { at } = (await extentOf(tensor.storage.key))!;
  const length = elementsIn(shape) === 0 ? 0 : spanOf(tensor) * type.bytes;
  const bytes = await source.read(at + tensor.offset * type.bytes, length);
  return readElements(bytes, { type, shape, strides, isLittleEndian });
}
