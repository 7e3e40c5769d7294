// What a kernel does to an operand: the word of the table of kernels (kernels.ts).

/** read, write (whole buffer), update (read and write), scratch (contents mean nothing before and after), or a plain number. */
export type Access = "read" | "write" | "update" | "scratch" | "integer" | "float";
