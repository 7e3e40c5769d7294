// Which files are pictures: by the ends of their names, so that a folder is listed without opening a file, and by their first
// bytes once one is opened. What is not read is called by its kind, with the way on.

/** Formats that are decoded, as sentences list them. */
export const READABLE = "PNG, JPEG, WebP, GIF, TIFF or AVIF";

export type PictureFormat = "png" | "jpeg" | "webp" | "gif" | "tiff" | "avif";

const EXTENSIONS: ReadonlySet<string> = new Set(
  "png jpg jpeg jpe jfif pjpeg pjp webp gif tif tiff avif avifs".split(" "),
);

/** What a file that is not read is, in the singular, and what to do about it. */
export interface OtherKind {
  readonly kind: string;
  readonly way: string;
  /** System files and the like, of which only `netc data check` speaks. */
  readonly isQuiet?: boolean;
}

const CONVERT = "convert it to JPEG or PNG";
const HEIC: OtherKind = {
  kind: "HEIC picture",
  way: "convert it to JPEG with `heif-convert` or `sips -s format jpeg`",
};
const FRAMES: OtherKind = { kind: "video", way: "save frames of it as JPEG or PNG with `ffmpeg`" };
const ARCHIVE: OtherKind = { kind: "archive", way: "unpack it" };
const picture = (name: string): OtherKind => ({ kind: `${name} picture`, way: CONVERT });

const OTHERS: Readonly<Record<string, OtherKind>> = Object.fromEntries(
  (
    [
      ["heic heif hif", HEIC],
      ["bmp dib", picture("BMP")],
      ["svg svgz", picture("SVG")],
      ["jxl", picture("JPEG XL")],
      ["jp2 j2k jpx jpf", picture("JPEG 2000")],
      ["psd psb", picture("Photoshop")],
      ["dng cr2 cr3 nef arw orf rw2 raf srw pef raw", picture("camera raw")],
      ["ico", picture("ICO")],
      ["tga", picture("TGA")],
      ["ppm pgm pbm pnm pam", picture("PNM")],
      ["exr hdr", picture("floating-point")],
      ["xcf dds pcx jxr apng dcm", picture("other")],
      ["mp4 mov avi mkv webm m4v mpg mpeg wmv", FRAMES],
      ["zip tar gz tgz bz2 xz zst 7z rar", ARCHIVE],
    ] as const
  ).flatMap(([extensions, kind]) => extensions.split(" ").map((extension) => [extension, kind])),
);

const SYSTEM: OtherKind = { kind: "hidden or system file", way: "it can stay", isQuiet: true };
const SYSTEM_NAMES: ReadonlySet<string> = new Set([
  "thumbs.db",
  "ehthumbs.db",
  "desktop.ini",
  "icon\r",
  "__macosx",
  "@eadir",
]);

/** Files and folders that a system or a program keeps beside pictures. */
export function systemKindOf(name: string): OtherKind | undefined {
  return name.startsWith(".") || SYSTEM_NAMES.has(name.toLowerCase()) ? SYSTEM : undefined;
}

/** Undefined for a name of a picture that is decoded. */
export function otherKindOf(name: string): OtherKind | undefined {
  const extension = /.\.([^.]+)$/.exec(name)?.[1]?.toLowerCase();
  if (extension === undefined) {
    return { kind: "file without an extension", way: "if it is a picture, give it the extension of its format" };
  }
  if (EXTENSIONS.has(extension)) return undefined;
  return OTHERS[extension] ?? { kind: `.${extension} file`, way: "leave it if it is not a picture" };
}

/** First bytes, at an offset, and whose they are. */
const SIGNATURES: readonly (readonly [offset: number, bytes: string, format: PictureFormat | OtherKind])[] = [
  [0, "\x89PNG\r\n\x1a\n", "png"],
  [0, "\xff\xd8\xff", "jpeg"],
  [8, "WEBP", "webp"],
  [0, "GIF87a", "gif"],
  [0, "GIF89a", "gif"],
  [0, "II*\0", "tiff"],
  [0, "MM\0*", "tiff"],
  [0, "II+\0", "tiff"],
  [0, "MM\0+", "tiff"],
  [4, "ftypavif", "avif"],
  [4, "ftypavis", "avif"],
  [4, "ftyphe", HEIC],
  [4, "ftypmif1", HEIC],
  [4, "ftypmsf1", HEIC],
  [4, "ftyp", FRAMES],
  [0, "BM", picture("BMP")],
  [0, "8BPS", picture("Photoshop")],
  [0, "\xff\x0a", picture("JPEG XL")],
  [4, "JXL ", picture("JPEG XL")],
  [4, "jP  ", picture("JPEG 2000")],
  [0, "PK\x03\x04", ARCHIVE],
];

/** By the first bytes; undefined for what is none of these. */
export function formatOf(bytes: Uint8Array): PictureFormat | OtherKind | undefined {
  const start = String.fromCharCode(...bytes.subarray(0, 64));
  // A file of the kind that AVIF and HEIC share lists all that it is compatible with
  if (/^....ftyp(mif1|msf1)/s.test(start) && start.includes("avif")) return "avif";
  return SIGNATURES.find(([offset, signature]) => start.startsWith(signature, offset))?.[2];
}
