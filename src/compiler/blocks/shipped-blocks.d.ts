// The blocks that come with netc, as they stand in blocks/*.yaml. The code beside it, shipped-blocks.js, is written by
// scripts/build-blocks.mjs from these files.
export const shippedTexts: Readonly<
  Record<
    string,
    {
      /** The file's name in the package: "blocks/residual.yaml". */
      readonly file: string;
      /** The block's own lines, from its name on. */
      readonly text: string;
      /** What they say. */
      readonly definition: unknown;
    }
  >
>;
