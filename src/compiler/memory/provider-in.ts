// A kernel's name, as runs record it → who provides it. By itself, so that a check of a file need not load what lowers networks.

/** The provider that a kernel's name begins with, "NAME 2.6.3"; undefined for WebAssembly's own. */
export function providerIn(kernel: string): string | undefined {
  return /^\S+ \d\S*(?= )/.exec(kernel)?.[0];
}
