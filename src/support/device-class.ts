/** Kinds of machines that times are taken on. */
export const deviceClasses = ['wasm', 'node', 'gpu', 'phone'] as const;
export type DeviceClass = (typeof deviceClasses)[number];
