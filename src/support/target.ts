/** Where a compressed model will run: the runtimes whose kernels decide what becomes int8. */
export const targetNames = ['wasm', 'webgpu', 'node', 'mobile', 'litert'] as const;

export type TargetName = (typeof targetNames)[number];
