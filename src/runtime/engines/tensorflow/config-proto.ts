// TensorFlow's ConfigProto, as bytes: threads, GPUs, and what the graph's rewriter is to do. Fields are those of config.proto
// and rewriter_config.proto.
import { Message } from "../../../compiler/targets/protobuf.js";
import type { Device } from "../engine.js";

export interface TensorflowConfig {
  readonly threads: number;
  readonly device: Device;
}

/** A ConfigProto for a context, which is made once a process. */
export function contextConfig({ threads, device }: TensorflowConfig): Uint8Array {
  const config = new Message();
  if (device.kind === "cpu") config.message(1, new Message().text(1, "GPU").int(2, 0)); // device_count
  config.int(2, threads).int(5, threads); // within an operation, and operations beside each other
  const gpu = new Message().int(4, true); // memory as it is needed, not all of it at once
  if (device.kind === "gpu") gpu.text(5, String(device.index)); // visible_device_list
  return config.message(6, gpu).finish();
}

/** RewriterConfig's constant_folding: makes x · (1 / 255) of x / 255, which rounds otherwise than PyTorch does. */
const CONSTANT_FOLDING = 3;
const OFF = 2;

/** RewriterConfig's auto_mixed_precision_onednn_bfloat16: what multiplies, and what lies between, in bfloat16. */
const ONEDNN_BFLOAT16 = 31;
const ON = 1;

/** A ConfigProto for the call of a function: rewriter options of the context do not reach into functions. */
export function functionConfig(isBfloat16: boolean): Uint8Array {
  const rewriter = new Message().int(CONSTANT_FOLDING, OFF);
  if (isBfloat16) rewriter.int(ONEDNN_BFLOAT16, ON);
  return new Message().message(10, new Message().message(10, rewriter)).finish();
}
