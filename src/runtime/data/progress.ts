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

/** Bytes are of the processes that prepare, beside the one that waits for them. */
export interface PreparationNeeds {
  /** In the words the reader sees: "fetching CIFAR-10". */
  readonly doing: string;
  /** The upper end: how much it will be is not known before. */
  readonly most: number;
  /** With less it cannot be done. */
  readonly least: number;
  /** A clause: what there is to do where it is too much. */
  readonly wayOn: string;
}
