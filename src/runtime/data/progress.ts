// What a data set reports while it is fetched: shown as a bar on a terminal, as lines elsewhere.

export interface DataProgress {
  /** What is being done, in the words the reader sees: "fetching CIFAR-10". */
  readonly doing: string;
  readonly done: number;
  /** Zero where the end is not known, as when waiting for another process. */
  readonly total: number;
  readonly unit: "bytes" | "parts" | "images";
}

export type OnDataProgress = (progress: DataProgress) => void;

/** What fetching and decoding take besides what they work on. */
export interface PreparationOptions {
  readonly onProgress: OnDataProgress;
  readonly signal?: AbortSignal | undefined;
}
