"""Fits erfc(x)·exp(x²) for x ≥ 0 by a polynomial in t = 1 / (1 + 0.42·x) without a constant term: the coefficients of
src/runtime/engines/wasm/assembly/maps/activation-parts.ts. Prints them and the largest relative error on [0, 9.4], beyond which erfc is below
float32's smallest number.

Usage: python3 scripts/fit-erfcx.py
"""
import math

import numpy as np

SHIFT, DEGREE, LARGEST = 0.42, 8, 9.4


def erfcx(x):
    if x < 5:
        return math.erfc(x) * math.exp(x * x)
    fraction = 0.0
    for term in range(200, 0, -1):  # the continued fraction, DLMF 7.9.3
        fraction = term / 2 / (x + fraction)
    return 1 / math.sqrt(math.pi) / (x + fraction)


def main():
    smallest = 1 / (1 + SHIFT * LARGEST)
    nodes = np.cos(np.pi * (np.arange(2000) + 0.5) / 2000)
    t = (1 + smallest) / 2 + (1 - smallest) / 2 * nodes
    wanted = np.array([erfcx(x) for x in (1 / t - 1) / SHIFT])
    powers = np.vander(t, DEGREE + 1, increasing=True)[:, 1:]
    weights = np.ones_like(t)
    for _ in range(60):  # Lawson's iteration: weighted least squares tends to the smallest largest error
        scaled = powers / wanted[:, None] * weights[:, None]
        coefficients, *_ = np.linalg.lstsq(scaled, weights, rcond=None)
        errors = np.abs(powers @ coefficients / wanted - 1)
        weights = weights * (errors / errors.max()) ** 0.25 + 1e-12
    for power, coefficient in enumerate(coefficients, start=1):
        print(f"t^{power}  {coefficient:.9f}")
    print(f"largest relative error {errors.max():.2g}")


if __name__ == "__main__":
    main()
