// A primitive of oneDNN's with its arguments: made once, run at other addresses each time without allocating anything.
import type { Abi, Handle } from "./abi.js";

export class Executable {
  private readonly primitive: Handle;
  private readonly memories: readonly Handle[];
  /** dnnl_exec_arg_t: the argument's number and its memory, 8 bytes each; off V8's heap, where nothing moves it. */
  private readonly list: BigUint64Array;
  private readonly listAddress: number;

  constructor(
    private readonly abi: Abi,
    description: Handle,
    named: readonly (readonly [argument: number, descriptor: Handle])[],
  ) {
    this.primitive = abi.primitive(description);
    this.memories = named.map(([, descriptor]) => abi.memory(descriptor));
    this.list = new BigUint64Array(new ArrayBuffer(named.length * 16));
    named.forEach(([argument], index) => {
      this.list[2 * index] = BigInt(argument);
      this.list[2 * index + 1] = BigInt(this.memories[index]!);
    });
    this.listAddress = abi.addressOf(this.list);
  }

  /** Addresses in the order of the arguments. */
  run(addresses: readonly number[]): void {
    const { abi, memories } = this;
    for (let index = 0; index < memories.length; index++) abi.place(memories[index]!, addresses[index]!);
    abi.execute(this.primitive, memories.length, this.listAddress);
  }
}
