// Convolutions that a native library carries out on this heap: the threads share the work out as for any other kernel, and
// each hands its units to the host, which calls the library on that thread.
import { LibraryConvolution, LibraryInputGradient, LibraryWeightGradient } from "../generated/operands";
import { barrier, takeUnit } from "../threads";

/** Runs unit `unit` of phase `phase` of the call. */
// @ts-ignore: decorator
@external("env", "library")
declare function library(kernel: i32, call: usize, phase: i32, unit: i32): void;

const PACK: i32 = 0, MULTIPLY: i32 = 1, UNPACK: i32 = 2;

export function libraryConvolution(call: usize, threads: i32): void {
  share(LibraryConvolution.ID, call, PACK, LibraryConvolution.pieces(call));
  barrier(threads);
  share(LibraryConvolution.ID, call, MULTIPLY, LibraryConvolution.units(call));
}

export function libraryInputGradient(call: usize, threads: i32): void {
  share(LibraryInputGradient.ID, call, PACK, LibraryInputGradient.pieces(call));
  barrier(threads);
  share(LibraryInputGradient.ID, call, MULTIPLY, LibraryInputGradient.units(call));
}

export function libraryWeightGradient(call: usize, threads: i32): void {
  share(LibraryWeightGradient.ID, call, MULTIPLY, LibraryWeightGradient.units(call));
  barrier(threads);
  share(LibraryWeightGradient.ID, call, UNPACK, LibraryWeightGradient.pieces(call));
}

function share(kernel: i32, call: usize, phase: i32, units: i32): void {
  for (let unit = takeUnit(); unit < units; unit = takeUnit()) library(kernel, call, phase, unit);
}
