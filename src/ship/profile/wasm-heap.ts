/** Size of the WebAssembly memory that the runtime works in: what a model costs in a page. It never shrinks, so what is
 *  read at the end is the peak. The resident size of a Node process says little about it: V8's compiler comes and goes. */

/** Starts watching; call it before the runtime is loaded. @returns bytes of all memories made since */
export function watchWasmHeap(): () => number {
  const memories = new Set<WebAssembly.Memory>();
  const { Memory, instantiate } = WebAssembly;
  const watched = new Proxy(Memory, {
    construct(target, [descriptor]: [WebAssembly.MemoryDescriptor]) {
      const memory = new target(descriptor);
      memories.add(memory);
      return memory;
    },
  });
  const instantiateWatched = async (...args: Parameters<typeof instantiate>) => {
    const made = await instantiate(...args);
    const instance = 'instance' in made ? (made.instance as WebAssembly.Instance) : made;
    const { exports } = instance;
    for (const value of Object.values(exports)) if (value instanceof Memory) memories.add(value);
    return made;
  };
  Object.assign(WebAssembly, { Memory: watched, instantiate: instantiateWatched });
  return () => [...memories].reduce((sum, m) => sum + m.buffer.byteLength, 0);
}
