// 8-bit pixels of one kind of colour → those of another, by Pillow's integer formulas.

/** Colour of a picture without colours: each value three times. The same pixels where nothing is to be done. */
export function withChannels(pixels: Uint8Array, given: number, channels: number): Uint8Array {
  return given === channels ? pixels : repeated(pixels);
}

/** Pillow's integer formula (src/libImaging/Convert.c, L24). */
export function toGrey(pixels: Uint8Array): Uint8Array {
  const grey = new Uint8Array(pixels.length / 3);
  for (let pixel = 0, at = 0; pixel < grey.length; pixel++, at += 3) {
    grey[pixel] = (pixels[at]! * 19595 + pixels[at + 1]! * 38470 + pixels[at + 2]! * 7471 + 0x8000) >> 16;
  }
  return grey;
}

function repeated(grey: Uint8Array): Uint8Array {
  const colors = new Uint8Array(grey.length * 3);
  for (let pixel = 0, at = 0; pixel < grey.length; pixel++, at += 3) {
    colors[at] = colors[at + 1] = colors[at + 2] = grey[pixel]!;
  }
  return colors;
}

/** Pillow's formula (src/libImaging/Convert.c, cmyk2rgb): the light that is left of black's is dimmed by each ink. */
export function fromCmyk(inks: Uint8Array): Uint8Array {
  const colors = new Uint8Array((inks.length / 4) * 3);
  for (let at = 0, to = 0; at < inks.length; at += 4, to += 3) {
    const light = 255 - inks[at + 3]!;
    for (let ink = 0; ink < 3; ink++) {
      const product = inks[at + ink]! * light + 128;
      colors[to + ink] = light - (((product >> 8) + product) >> 8);
    }
  }
  return colors;
}

/** Of samples of 16 bits, little-endian as sharp gives them, the upper eight. */
export function upperBytes(samples: Uint8Array): Uint8Array {
  const upper = new Uint8Array(samples.length / 2);
  for (let at = 0; at < upper.length; at++) upper[at] = samples[2 * at + 1]!;
  return upper;
}
