// TrainingEvents → the event file that TensorBoard reads: TensorFlow's Event messages, each in a TFRecord.
import { Message } from "../../compiler/targets/protobuf.js";
import type { TrainingEvent } from "../training/training-events.js";
import type { MetricsFormat } from "./metrics-format.js";

export class TensorBoardMetrics implements MetricsFormat {
  begin(): Uint8Array {
    // Readers take the file's version from its first event; 2 is the one with summaries of float values
    return record(new Message().double(1, 0).text(3, "brain.Event:2").finish());
  }

  add(event: TrainingEvent, wallTime: number): Uint8Array {
    const scalars = Object.entries(scalarsOf(event)).filter(([, value]) => value !== undefined);
    if (scalars.length === 0) return new Uint8Array();
    const summary = new Message().each(scalars, (message, [tag, value]) =>
      message.message(1, new Message().text(1, tag).float(2, value!)),
    );
    return record(new Message().double(1, wallTime).int(2, event.step).message(5, summary).finish());
  }
}

/** Tags are grouped by what stands before the slash, as TensorBoard shows them. */
function scalarsOf(event: TrainingEvent): Readonly<Record<string, number | undefined>> {
  if (event.event === "step") {
    return {
      "train/step_loss": event.loss,
      "train/learning_rate": event.learningRate,
      "time/step_milliseconds": event.stepMilliseconds,
      "time/data_milliseconds": event.dataMilliseconds,
    };
  }
  if (event.event === "epoch") {
    return {
      "train/loss": event.trainLoss,
      "train/accuracy": event.trainAccuracy,
      "time/images_per_second": event.imagesPerSecond,
    };
  }
  if (event.event === "evaluation")
    return { [`${event.set}/loss`]: event.loss, [`${event.set}/accuracy`]: event.accuracy };
  return {};
}

/** length, its checksum, the data, its checksum: tensorflow/core/lib/io/record_writer.h. */
function record(data: Uint8Array): Uint8Array {
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(data.length));
  return Buffer.concat([length, maskedChecksum(length), data, maskedChecksum(data)]);
}

/** CRC-32C, rotated and shifted so that a checksum of data that holds checksums stays good: lib/hash/crc32c.h. */
function maskedChecksum(data: Uint8Array): Uint8Array {
  const checksum = crc32c(data);
  const masked = Buffer.alloc(4);
  masked.writeUInt32LE((((checksum >>> 15) | (checksum << 17)) + 0xa282ead8) >>> 0);
  return masked;
}

/** The Castagnoli polynomial, bits reversed (RFC 3720, appendix B.4); Node's zlib has the other one. */
const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let rest = byte;
  for (let bit = 0; bit < 8; bit++) rest = rest & 1 ? (rest >>> 1) ^ 0x82f63b78 : rest >>> 1;
  return rest;
});

export function crc32c(data: Uint8Array): number {
  let checksum = 0xffffffff;
  for (const byte of data) checksum = CRC_TABLE[(checksum ^ byte) & 0xff]! ^ (checksum >>> 8);
  return ~checksum >>> 0;
}
