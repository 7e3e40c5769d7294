// Winograd's algorithms for 3×3 filters of stride 1: F4 and F3 here and in the kernels' names are F(4×4, 3×3) and F(3×3, 3×3).

/** Tiles of `side`² pixels from `points`² products a pair of channels. */
export interface WinogradAlgorithm {
  readonly points: number;
  readonly side: number;
  /** By which runs and checkpoints name its kernels, WebAssembly's own and those whose products a provider carries out. */
  readonly recorded: { readonly own?: string; readonly library: string };
}

export const F4 = { points: 6, side: 4, recorded: { own: "winograd", library: "winograd fours" } } as const;

/** For maps of 3, 6 or 9 pixels a side, where tiles of 4×4 are not filled. */
export const F3 = { points: 5, side: 3, recorded: { own: "winograd threes", library: "winograd threes" } } as const;

/** A map of 3×3 pixels at once, whose padding leaves one product less a side than F3 (see assembly's winograd-whole.ts). */
export const WHOLE_MAP = { points: 4, side: 3, recorded: { library: "winograd whole" } } as const;
