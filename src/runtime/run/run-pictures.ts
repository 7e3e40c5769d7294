// The pictures of a run, as digests in its folder (`pictures.json`): a run that goes on must find those that it was begun with,
// wherever they lie by now. Other data sets are what they are by their name or their settings.
import type { Program } from "../../compiler/program.js";
import type { Dataset, ImageSet } from "../data/dataset.js";
import { imagesOf } from "../data/dataset.js";
import { sha256OfPieces } from "../files/digest.js";
import { textIfThere } from "../files/if-there.js";
import { jsonIn } from "../files/parse-json.js";
import { writeFileAtomically } from "../files/write-file-atomically.js";
import type { RunFolder } from "./run-folder.js";
import { UserError } from "../process/user-error.js";

interface Digests {
  /** SHA-256 of the decoded pictures and their labels, in their order. */
  readonly train: string;
  readonly test: string;
  /** Only where some are kept from training. */
  readonly validation?: string;
}

/**
 * Keeps the digests of a run's pictures, if it has a folder of them. @throws UserError where `goesOn` and they are not those of
 * the steps already done.
 */
export async function keepPictures(
  folder: RunFolder,
  { config }: Pick<Program, "config">,
  dataset: Dataset,
  goesOn: boolean,
): Promise<void> {
  if (typeof config.data.dataset === "string" || !("images" in config.data.dataset)) return;
  const now: Digests = {
    train: await digestOf(dataset.train),
    test: await digestOf(dataset.test),
    ...(dataset.validation && { validation: await digestOf(dataset.validation) }),
  };
  const before = goesOn ? await readDigests(folder) : undefined;
  if (before) refuseOthers(before, now, config.data.dataset.images.folder, folder);
  else await writeFileAtomically(folder.pictures, JSON.stringify(now, null, 2) + "\n");
}

function refuseOthers(before: Digests, now: Digests, place: string, folder: RunFolder): void {
  const changed = (["train", "test"] as const).filter((part) => before[part] !== now[part]);
  if (changed.length === 0) return;
  throw new UserError(
    `the pictures in ${place} are not those that the run in ${folder.path} began with: what it ` +
      `${changed.map((part) => (part === "train" ? "trains on" : "tests on")).join(" and ")} has changed; ` +
      "put back what was there, or start a new run without `--resume`",
  );
}

/** Undefined where the run has kept none. */
async function readDigests({ pictures }: RunFolder): Promise<Digests | undefined> {
  const text = await textIfThere(pictures);
  if (text === undefined) return undefined;
  const { train, test } = (jsonIn(text) ?? {}) as Partial<Digests>;
  if (typeof train === "string" && typeof test === "string") return { train, test };
  throw new UserError(
    `${pictures} is damaged, so netc cannot tell whether the pictures are those that the run began with; ` +
      "remove it to go on with those that are there",
  );
}

function digestOf(set: ImageSet): Promise<string> {
  const { count, height, width, channels, labels } = set;
  const sizes = Buffer.from(`${count} ${height} ${width} ${channels}\n`);
  return sha256OfPieces(pieces());

  /** Some images at a time: those in a file are read when it is their turn. */
  function* pieces(): Generator<Uint8Array> {
    yield sizes;
    yield new Uint8Array(Uint16Array.from(labels).buffer);
    for (let first = 0; first < count; first += IMAGES_AT_ONCE) {
      yield imagesOf(set, first, Math.min(first + IMAGES_AT_ONCE, count));
    }
  }
}

const IMAGES_AT_ONCE = 64;
