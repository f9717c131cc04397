/** The part of the WebAssembly API that this project uses: @types/node declares none of it, and lib.dom is not ours. */
declare namespace WebAssembly {
  class Memory {
    private constructor();
    readonly buffer: ArrayBuffer;
  }
  class Global {
    private constructor();
    readonly value: number;
  }
  /** Compiled code, without memory. Structured-clone-safe: the main thread compiles, each worker instantiates. */
  class Module {
    private constructor();
    static imports(module: Module): readonly unknown[];
  }
  class Instance {
    constructor(module: Module);
    readonly exports: Readonly<Record<string, unknown>>;
  }
  function compile(bytes: Uint8Array): Promise<Module>;
}
