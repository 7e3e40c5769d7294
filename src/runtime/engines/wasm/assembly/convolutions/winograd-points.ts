// Where Winograd's algorithm evaluates polynomials, whose values it multiplies: with 36 frequencies at 0, ±A, ±B and infinity,
// with 25 at ±C, ±D and infinity. The points decide what rounding costs (Barabasz et al., arXiv 1803.10986): at these it is half
// of what it is at 0, ±1, ±2 and at 0, ±1, 2. A and B are oneDNN's. All powers are exact in float32.

export const A: f32 = 0.625;
export const B: f32 = 1.5;
export const A2: f32 = A * A;
export const B2: f32 = B * B;
export const A3: f32 = A2 * A;
export const B3: f32 = B2 * B;

// What a filter's value at a point is multiplied by: one over the product of the point's distances from the others.
export const AT_ZERO: f64 = 1 / (<f64>A2 * B2);
export const AT_A: f64 = 1 / (2 * <f64>A2 * (A2 - B2));
export const AT_B: f64 = 1 / (2 * <f64>B2 * (B2 - A2));

export const C: f32 = 0.375;
export const D: f32 = 1.25;
export const C2: f32 = C * C;
export const D2: f32 = D * D;
export const C3: f32 = C2 * C;
export const D3: f32 = D2 * D;

/** At C, and negated at −C; so at D. */
export const AT_C: f64 = 1 / (2 * <f64>C * (C2 - D2));
export const AT_D: f64 = 1 / (2 * <f64>D * (D2 - C2));
