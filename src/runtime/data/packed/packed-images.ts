// Images that lie one after the other in a file and are read by index: sets that are larger than memory.
import { closeSync, openSync, read, readSync } from "node:fs";
import { invariant } from "../../../compiler/diagnostics/diagnostic.js";
import { READ_AT_ONCE } from "../../../compiler/memory/memory-limits.js";
import { UserError } from "../../process/user-error.js";

/** Reads that are under way at once; Node's threads carry them out, four at a time unless UV_THREADPOOL_SIZE says otherwise. */
const READS_AT_ONCE = 8;
/** Images that follow one another in the file are read together, up to so many. */
const MOST_TOGETHER = 64;

export class PackedImages {
  private constructor(
    private readonly file: OpenFile,
    /** Of one image. */
    readonly bytes: number,
    /** Which image of the file each of these is. */
    private readonly places: Uint32Array,
  ) {}

  /** Image i is the file's `places[i]`-th of `bytes` bytes. The file stays open as long as this is in use. */
  static open(path: string, bytes: number, places: Uint32Array): PackedImages {
    return new PackedImages(new OpenFile(path), bytes, places);
  }

  get count(): number {
    return this.places.length;
  }

  /** Those images in that order. */
  select(images: ArrayLike<number>): PackedImages {
    return new PackedImages(
      this.file,
      this.bytes,
      Uint32Array.from(images, (image) => this.places[image]!),
    );
  }

  /** Reads images into `target`, one after the other, on Node's threads. Throws a UserError where the file is cut short. */
  async read(images: ArrayLike<number>, target: Uint8Array): Promise<void> {
    const pieces = this.pieces(images);
    let next = 0;
    const reader = async (): Promise<void> => {
      while (next < pieces.length) {
        const { place, first, count } = pieces[next++]!;
        await this.file.read(target, first * this.bytes, count * this.bytes, place * this.bytes);
      }
    };
    await Promise.all(Array.from({ length: READS_AT_ONCE }, reader));
  }

  /** As `read`, at once. */
  readNow(images: ArrayLike<number>, target = new Uint8Array(images.length * this.bytes)): Uint8Array {
    for (const { place, first, count } of this.pieces(images)) {
      this.file.readNow(target, first * this.bytes, count * this.bytes, place * this.bytes);
    }
    return target;
  }

  private pieces(images: ArrayLike<number>): { place: number; first: number; count: number }[] {
    const pieces: { place: number; first: number; count: number }[] = [];
    for (let first = 0; first < images.length;) {
      const place = this.places[images[first]!];
      invariant(place !== undefined, `image ${images[first]} of ${this.count}`);
      let count = 1;
      while (
        first + count < images.length &&
        count < MOST_TOGETHER &&
        this.places[images[first + count]!] === place + count
      ) {
        count++;
      }
      pieces.push({ place, first, count });
      first += count;
    }
    return pieces;
  }
}

class OpenFile {
  private readonly descriptor: number;

  constructor(private readonly path: string) {
    this.descriptor = openSync(path, "r");
    closing.register(this, this.descriptor);
  }

  async read(target: Uint8Array, offset: number, length: number, position: number): Promise<void> {
    for (let done = 0; done < length;) {
      const bytesRead = await new Promise<number>((resolve, reject) => {
        read(this.descriptor, target, offset + done, length - done, position + done, (error, count) =>
          error ? reject(this.fault(error)) : resolve(count),
        );
      });
      if (bytesRead === 0) throw this.fault();
      done += bytesRead;
    }
  }

  readNow(target: Uint8Array, offset: number, length: number, position: number): void {
    for (let done = 0; done < length;) {
      const bytesRead = readSync(this.descriptor, target, offset + done, length - done, position + done);
      if (bytesRead === 0) throw this.fault();
      done += bytesRead;
    }
  }

  private fault(error?: Error): UserError {
    const reason = error ? `cannot be read (${error.message})` : "was cut short";
    return new UserError(
      `the cache's file of images ${this.path} ${reason}; go on with the run, which packs them again`,
    );
  }
}

/** Nobody says when a data set is done with. */
const closing = new FinalizationRegistry<number>((descriptor) => closeSync(descriptor));

/** Pixels of batches, read before they are asked for into a ring of buffers. */
export class ReadAhead {
  private readonly ring: Slot[];
  private next = 0;

  constructor(
    private readonly images: PackedImages,
    /** In images; of the ring's buffers, which are made when they are first needed: not every run evaluates. */
    private readonly capacity: number,
  ) {
    this.ring = Array.from({ length: READ_AT_ONCE }, (): Slot => ({
      key: -1,
      reading: Promise.resolve(),
      isReady: false,
    }));
  }

  /** Begins to read a batch, unless that was done before; settles when it is there. */
  begin(key: number, images: () => ArrayLike<number>): Promise<void> {
    const known = this.ring.find((slot) => slot.key === key);
    if (known) return known.reading;
    const slot = this.ring[this.next]!;
    this.next = (this.next + 1) % this.ring.length;
    slot.key = key;
    slot.isReady = false;
    slot.reading = this.fill(slot, key, images, slot.reading);
    slot.reading.catch(() => undefined); // told to who waits for it
    return slot.reading;
  }

  /** What was begun for another batch before writes into the same buffer until it ends. */
  private async fill(slot: Slot, key: number, images: () => ArrayLike<number>, before: Promise<void>): Promise<void> {
    await before.catch(() => undefined);
    if (slot.key !== key) return; // given to another meanwhile
    slot.buffer ??= new Uint8Array(this.capacity * this.images.bytes);
    await this.images.read(images(), slot.buffer);
    slot.isReady = slot.key === key;
  }

  /** A batch's pixels, one image after the other: read now where they are not there. Valid while two more are taken. */
  take(key: number, images: ArrayLike<number>): Uint8Array {
    const slot = this.ring.find((one) => one.key === key && one.isReady);
    return slot ? slot.buffer!.subarray(0, images.length * this.images.bytes) : this.images.readNow(images);
  }
}

interface Slot {
  /** Which batch it holds, or is being filled with. */
  key: number;
  buffer?: Uint8Array;
  reading: Promise<void>;
  isReady: boolean;
}
