/** Phones that a browser on this machine stands in for. A slowed-down computer is not a phone: what is measured so is
 *  always labelled as emulated. */

export interface PhoneNetwork {
  readonly downBytesPerSecond: number;
  readonly upBytesPerSecond: number;
  readonly latencyMs: number;
}

interface Preset {
  /** One line for people. */
  readonly summary: string;
  /** Times slower than this machine. */
  readonly cpuSlowdown: number;
  readonly network: PhoneNetwork;
  readonly viewport: { readonly width: number; readonly height: number };
  readonly pixelRatio: number;
}

/** Networks: "Fast 4G" and "Slow 4G" of Chrome's developer tools (their NetworkManager.ts), which cut throughput by a
 *  tenth and stretch latency for the overhead of real connections. */
const fast4g = { downBytesPerSecond: 1_012_500, upBytesPerSecond: 168_750, latencyMs: 165 };
const slow4g = { downBytesPerSecond: 180_000, upBytesPerSecond: 84_375, latencyMs: 562.5 };

export const presets = {
  phone: {
    summary: 'CPU 4 times slower, fast 4G, 390 × 844',
    cpuSlowdown: 4,
    network: fast4g,
    viewport: { width: 390, height: 844 },
    pixelRatio: 3,
  },
  'phone-slow': {
    summary: 'CPU 6 times slower, slow 4G, 360 × 640',
    cpuSlowdown: 6,
    network: slow4g,
    viewport: { width: 360, height: 640 },
    pixelRatio: 2,
  },
} as const satisfies Readonly<Record<string, Preset>>;

export type PresetName = keyof typeof presets;

export const presetNames = Object.keys(presets) as PresetName[];

export const isPreset = (name: string): name is PresetName => Object.hasOwn(presets, name);
