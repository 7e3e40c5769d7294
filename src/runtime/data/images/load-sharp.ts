// The one place where sharp is loaded: it decodes pictures with libraries of its own that npm brings prebuilt.
import type { Sharp, SharpOptions } from "sharp";
import { UserError } from "../../process/user-error.js";

export type LoadedSharp = (input: string | Uint8Array, options?: SharpOptions) => Sharp;

/** Throws a UserError where npm left the package out. */
export async function loadSharp(): Promise<LoadedSharp> {
  return await (loading ??= load());
}

let loading: Promise<LoadedSharp> | undefined;

async function load(): Promise<LoadedSharp> {
  try {
    const { default: sharp } = await import("sharp");
    sharp.cache(false); // every image is decoded once
    sharp.concurrency(1); // several images at a time, each in one thread
    return sharp;
  } catch (error) {
    const [reason] = (error as Error).message.trim().split("\n");
    throw new UserError(
      `pictures are decoded by the package sharp, which does not load here (${reason}); install it with \`npm install sharp\``,
    );
  }
}
