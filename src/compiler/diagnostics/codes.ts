// The catalogue of everything netc can report about a file: one line each, in the order a file is read.
// `Code` is its key set, so a diagnostic with a code that is not listed here does not type-check.

export interface CodeEntry {
  readonly severity: "error" | "warning";
  /** What the code means, in one line. */
  readonly meaning: string;
}

const error = (meaning: string): CodeEntry => ({ severity: "error", meaning });
const warning = (meaning: string): CodeEntry => ({ severity: "warning", meaning });

const catalogue = {
  "file/not-found": error("there is no file at this path"),
  "file/unreadable": error("the file is there, but it cannot be read as UTF-8 text"),

  "yaml/too-large": error("the file is larger than any description of a network needs to be"),
  "yaml/empty": error("the file holds no values"),
  "yaml/syntax": error("the text is not YAML 1.2"),
  "yaml/version": error("the file asks for another version of YAML than 1.2"),
  "yaml/tab": error("a tab stands where YAML wants spaces"),
  "yaml/duplicate-key": error("a map gives one key twice"),
  "yaml/several-documents": error("the file holds more than one YAML document"),
  "yaml/unknown-anchor": error("an alias names an anchor that was not set before it"),
  "yaml/alias-expansion": error("aliases repeat so much that the values would outgrow any sensible file"),
  "yaml/bad-merge": error("a merge key `<<` is given something other than a map"),
  "yaml/too-deep": error("values are nested deeper than the language ever does"),
  "yaml/unknown-tag": error("a tag asks for a type that netc files do not have"),
  "yaml/key-type": error("a key is not plain text"),

  "extends/not-found": error("the file or preset that `extends` names cannot be read"),
  "extends/cycle": error("files extend one another in a circle"),

  "set/syntax": error("an override is not of the form path=value"),
  "set/unknown-path": error("an override names a place that the file does not have"),

  "schema/unknown-key": error("the language has no such key here"),
  "schema/misplaced-key": error("the key exists, but belongs elsewhere in the file"),
  "schema/missing-key": error("a key without a default is not given"),
  "schema/wrong-type": error("a value is of another type than the key takes"),
  "schema/unknown-value": error("a value is not among those that the key takes"),
  "schema/out-of-range": error("a number or a list is smaller or larger than the key takes"),
  "schema/one-choice": error("more or fewer than one option is given where exactly one is chosen"),

  "block/unknown": error("a stage or a block names a block that there is not"),
  "block/name-taken": error("a block or a setting has a name that netc's own have"),
  "block/recursion": error("blocks extend one another in a circle"),
  "block/empty": error("a block has no layers"),
  "block/unknown-setting": error("a stage sets something that its block does not have"),
  "block/bad-expression": error("an expression cannot be read, or reads a name that it does not have"),
  "block/bad-value": error("a layer is given something that it cannot take where it stands"),

  "data/no-images": error("the folder of images is not there, or holds no classes of images"),
  "data/empty-class": error("a class of the folder of images has no images to train on"),
  "data/unknown-class": error("images are to be tested of a class that none is trained on"),
  "data/broken-image": error("images of the folder cannot be read, and are not to be left out"),
  "data/passed-over": warning("files in the folder of images are not read"),
  "data/unclear-folders": warning("folders of images may be meant as classes or as parts of a split"),
  "data/images-changed": error("the folder of images holds other classes or counts than the file says"),
  "data/classes-mismatch": error("the classifier has another number of classes than the data set"),
  "data/input-mismatch": error("model.input differs from the images that the data section yields"),
  "data/channels-mismatch": error("normalize gives another number of values than the images have channels"),
  "data/cutout-too-large": error("cutout removes the whole image"),
  "data/crop-larger-than-image": error("what is cut out of pictures is larger than they are resized to"),
  "data/crop-padding-too-large": error("images are padded or moved by as much as their own size"),
  "data/crop-not-first": error("random_resized_crop stands after another augmentation, or twice"),
  "data/range-order": error("a range ends below its beginning"),
  "data/flipped-twice": error("images are mirrored by chance and in turn at once"),
  "data/color-channels": error("colours are changed of images that do not have three channels"),
  "data/mixed-twice": error("both mixup and cutmix are asked for"),
  "data/mixing-not-last": error("mixup or cutmix stands before another augmentation"),
  "data/whitening-images": error("whitening asks for more images than there are for training"),
  "data/batch-larger-than-data": error("a batch is larger than the data set"),

  "shape/residual-mismatch": error("the two sides of a residual addition have different shapes"),
  "shape/subsample-narrows": error("a shortcut without parameters comes in with more channels than the stage has"),
  "shape/vanished-map": error("a layer's output would have no rows or no columns"),
  "shape/pooling-window": error("a pooling window does not fit its map"),
  "shape/too-many-blocks": error("the stages have more blocks than netc compiles"),
  "shape/pooling-padding": error("a pool is padded by more than half of its window"),
  "shape/receptive-field": warning("a convolution comes after the receptive field has outgrown the images"),
  "shape/idle-weights": warning("a convolution has weights that only ever meet padding"),

  "shape/whitening-channels": error("the stem has another number of channels than whitening yields filters"),

  "data/chosen-by-test": warning("a choice goes by the test images, which are then reported"),

  "train/uneven-parts": error("a batch cannot be cut into equal parts to accumulate gradients over"),
  "train/two-durations": error("a duration is given in epochs and in steps at once"),
  "train/missing-duration": error("a schedule does not say when the rate changes"),
  "train/warmup-past-end": error("the warm-up lasts as long as the training, or longer"),
  "train/milestone-past-end": warning("the learning rate would change only after training has ended"),
  "train/milestone-order": error("the milestones of a schedule do not rise"),
  "train/rate-order": warning("a schedule starts or ends above the rate that is to be its highest"),
  "train/unusual-learning-rate": warning("the learning rate is far outside of what the optimizer is used with"),
  "train/average-past-end": error("the weight average would first move only after training has ended"),
  "train/late-average": warning(
    "the weight average is evaluated before it moves, or takes in the weights of one step alone",
  ),
  "train/empty-group": error("a group of parameters fits none"),
  "train/muon-on-vectors": error("muon is asked to train biases or norms"),
  "train/branch-never-learns": error("residual branches start where no gradient reaches them"),
  "train/single-value-norm": error("batch norm would see a single value a channel"),

  "start/address": error("weights are to be fetched by another way than https, or without a digest"),
  "start/unreadable": error("there are no weights at the place that `train.start` names, or netc cannot read them"),
  "start/other-file": error("the file of weights has another digest than is expected"),
  "start/missing-tensors": error("tensors of the network have no partner among the weights to start from"),
  "start/surplus-tensors": error("tensors of the weights to start from have no partner in the network"),
  "start/unknown-name": error("`train.start` names layers or tensors that are not there"),

  "setting/without-effect": warning("a setting changes nothing here"),

  "memory/too-large": error("training needs more memory than the engine can address or the machine has"),
} as const satisfies Record<string, CodeEntry>;

export type Code = keyof typeof catalogue;

/** Every code with its severity and meaning. */
export const codes: Readonly<Record<Code, CodeEntry>> = catalogue;
