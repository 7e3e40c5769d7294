// A safetensors file → its tensors, of which its header tells the places; data are read when they are asked for.
import { faultOfOffsets, headerLength, LENGTH_BYTES, parseHeader } from "../../files/safetensors.js";
import type { ByteSource } from "./byte-source.js";
import { isWithin, UnreadableWeights } from "./byte-source.js";
import { contiguousStrides, elementType, readElements } from "./element-types.js";
import type { StoredTensor, WeightsFile } from "./weights-file.js";
import { elementsIn } from "./weights-file.js";

export async function readSafetensors(source: ByteSource): Promise<WeightsFile> {
  const beginning = await source.read(0, Math.min(LENGTH_BYTES, source.size));
  const length = headerLength(beginning, source.size);
  if (length !== undefined && length > HEADER.least + source.size * HEADER.shareOfFile) {
    throw new UnreadableWeights("is no file of weights: its header is too large for what it holds");
  }
  const header = length === undefined ? undefined : parseHeader(await source.read(LENGTH_BYTES, length));
  if (length === undefined || !header) {
    throw new UnreadableWeights("is neither a safetensors file nor one of torch.save, or only a part of one");
  }
  const dataStart = LENGTH_BYTES + length;
  const fault = faultOfOffsets(header.entries, source.size - dataStart);
  if (fault !== undefined) throw new UnreadableWeights(fault);
  const tensors = header.entries.map(
    ([
      name,
      {
        dtype,
        shape,
        data_offsets: [start, end],
      },
    ]): StoredTensor => {
      const type = elementType(dtype);
      const elements = elementsIn(shape);
      if (shape.length > MOST_DIMENSIONS || (type && end - start !== elements * type.bytes)) {
        throw new UnreadableWeights(
          `is damaged: ${JSON.stringify(name.slice(0, 100))} does not have the size of its shape`,
        );
      }
      const read = async (): Promise<Float32Array> => {
        if (!type?.read || !isWithin(source.size, dataStart + start, end - start)) {
          const shown = JSON.stringify(name.slice(0, 100));
          throw new UnreadableWeights(`holds ${shown} as ${dtype.slice(0, 100)}, which netc does not read as weights`);
        }
        const bytes = await source.read(dataStart + start, end - start);
        return readElements(bytes, { type, shape, strides: contiguousStrides(shape), isLittleEndian: true });
      };
      return { name, dtype, shape, read };
    },
  );
  return {
    format: "safetensors",
    tensors,
    isInOrder: false, // the format's own library sorts them
    wrappers: [],
    others: 0,
    objects: [],
    metadata: header.metadata,
    close: () => source.close(),
  };
}

const MOST_DIMENSIONS = 64;

/** Of the header: an entry takes about six times its bytes in memory. */
const HEADER = { least: 1024 * 1024, shareOfFile: 1 / 8 };
