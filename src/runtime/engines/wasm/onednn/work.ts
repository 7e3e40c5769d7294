// A pass of a convolution as a native library carries it out on this heap: its units can run on any thread, each with scratch
// memory of its own.
import type { WorkAddresses } from "../convolution-call.js";

export interface LibraryWork {
  /** Bytes of a filter, or of a partial gradient of one, in the library's own layout. */
  readonly packedBytes: number;
  readonly scratchBytes: number;
  readonly units: number;
  /** In how many parts a filter is packed, or partial gradients are summed up. */
  readonly pieces: number;
  readonly pack: (piece: number, addresses: WorkAddresses, scratch: number) => void;
  readonly multiply: (unit: number, addresses: WorkAddresses, scratch: number) => void;
  readonly unpack: (piece: number, addresses: WorkAddresses, scratch: number) => void;
}
