/** What the device has that decides which variant runs best on it. */
import { adapterName, isSoftware } from '../support/gpu-adapter.ts';

/** Plain data: it crosses to a worker, and tests make it up. */
export interface DeviceFacts {
  /** null: no WebGPU adapter. */
  readonly webgpu: {
    /** As in the manifest's measurements. */
    readonly adapter: string;
    /** Computed on the CPU: right, but slower than wasm. */
    readonly software: boolean;
    readonly shaderF16: boolean;
    readonly maxBufferBytes: number;
  } | null;
  readonly webnn: boolean;
  readonly wasmSimd: boolean;
  /** Cross-origin isolated with SharedArrayBuffer: wasm can have threads. */
  readonly isolated: boolean;
  readonly hardwareConcurrency: number;
  /** null where the browser doesn't tell. Browsers that tell round it and stop at 8. */
  readonly deviceMemoryGb: number | null;
  readonly mobile: boolean;
  /** "chromium", "firefox", "safari" or "other". */
  readonly browser: string;
}

/** A function of four instructions that uses v128; validates only where wasm has SIMD. */
const simdProbe = [
  0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 10, 1, 8, 0, 65, 0, 253, 15, 253, 98,
  11,
];

/** @param gpu  false leaves WebGPU unasked, for bundles that don't use it */
export async function detectDevice(gpu: boolean): Promise<DeviceFacts> {
  const nav = globalThis.navigator as (Navigator & { deviceMemory?: number }) | undefined;
  const agent = nav?.userAgent ?? '';
  return {
    webgpu: gpu ? await adapterFacts(nav).catch(() => null) : null,
    webnn: nav !== undefined && 'ml' in nav,
    wasmSimd: typeof WebAssembly === 'object' && WebAssembly.validate(new Uint8Array(simdProbe)),
    isolated: globalThis.crossOriginIsolated === true && typeof SharedArrayBuffer === 'function',
    hardwareConcurrency: nav?.hardwareConcurrency ?? 1,
    deviceMemoryGb: nav?.deviceMemory ?? null,
    mobile: /Android|iPhone|iPad|Mobile/.test(agent),
    browser: browserOf(agent),
  };
}

async function adapterFacts(nav: Navigator | undefined): Promise<DeviceFacts['webgpu']> {
  const adapter = await nav?.gpu?.requestAdapter();
  if (!adapter) return null;
  const name = adapterName(adapter.info);
  return {
    adapter: name,
    software: isSoftware(name),
    shaderF16: adapter.features.has('shader-f16'),
    maxBufferBytes: adapter.limits.maxBufferSize,
  };
}

/** Family of a browser from its user agent or its name in a measurement ("Chromium 143.0"). */
export function browserOf(text: string): string {
  if (/firefox|gecko\/\d/i.test(text)) return 'firefox';
  if (/chrom|edg|\bcriOS/i.test(text)) return 'chromium';
  return /safari|webkit/i.test(text) ? 'safari' : 'other';
}
