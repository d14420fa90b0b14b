/** What this device can do, and in plain words what it can't and why. */
import { type AdapterInfo, adapterName } from '../../../support/gpu-adapter.ts';
import type { DeviceFacts } from '../messages.ts';
import { hostName, modelName } from './device-name.ts';

interface Adapter {
  readonly info?: AdapterInfo;
  readonly features: { has(name: string): boolean };
}

/** Parts of the browser that not all have. */
interface PartialNavigator {
  readonly gpu?: { requestAdapter(): Promise<Adapter | null> };
  readonly deviceMemory?: number;
  readonly webdriver?: boolean;
  readonly userAgentData?: {
    readonly mobile: boolean;
    readonly platform: string;
    readonly brands: readonly { readonly brand: string; readonly version: string }[];
    getHighEntropyValues?(
      hints: readonly string[],
    ): Promise<{ readonly model?: string; readonly platformVersion?: string }>;
  };
}

const nav = navigator as unknown as PartialNavigator;

export async function describeDevice(): Promise<DeviceFacts> {
  const gpu = await findAdapter();
  const high = await nav.userAgentData
    ?.getHighEntropyValues?.(['model', 'platformVersion'])
    .catch(() => undefined);
  const isolated = globalThis.crossOriginIsolated === true;
  const cores = navigator.hardwareConcurrency || null;
  return {
    name: clean(modelName(navigator.userAgent, { platform: nav.userAgentData?.platform, ...high }), 80),
    host: clean(hostName(navigator.userAgent, nav.userAgentData?.brands), 60),
    userAgent: clean(navigator.userAgent, 500),
    cores,
    memoryGb: nav.deviceMemory ?? null,
    screen: { width: screen.width, height: screen.height, ratio: window.devicePixelRatio || 1 },
    secureContext: window.isSecureContext,
    crossOriginIsolated: isolated,
    adapter: gpu.adapter === null ? null : clean(gpu.adapter, 160),
    shaderF16: gpu.shaderF16,
    automated: nav.webdriver === true,
    notes: notes({ secure: window.isSecureContext, isolated, cores, gpu: gpu.reason }),
  };
}

interface FoundAdapter {
  readonly adapter: string | null;
  readonly shaderF16: boolean;
  /** Why there is none; null when there is one. */
  readonly reason: string | null;
}

async function findAdapter(): Promise<FoundAdapter> {
  const none = (reason: string): FoundAdapter => ({ adapter: null, shaderF16: false, reason });
  if (!window.isSecureContext) return none('insecure');
  if (!nav.gpu) return none('this browser does not offer it');
  const adapter = await nav.gpu.requestAdapter().catch(() => null);
  if (!adapter) return none('the browser has it, but finds no graphics adapter that it can use');
  return {
    adapter: adapterName(adapter.info ?? {}),
    shaderF16: adapter.features.has('shader-f16'),
    reason: null,
  };
}

interface Facts {
  readonly secure: boolean;
  readonly isolated: boolean;
  readonly cores: number | null;
  readonly gpu: string | null;
}

/** The one cause of both comes first, with what to do about it. */
export function notes({ secure, isolated, cores, gpu }: Facts): string[] {
  if (!secure)
    return [
      'No WebGPU and one thread only: this page came over plain http, so the browser does not treat it as a secure context. Start the lab with --https, or use a cable and adb.',
    ];
  const found: string[] = [];
  if (gpu !== null) found.push(`No WebGPU: ${gpu}.`);
  if (!isolated) found.push('One thread only: this browser did not isolate the page (COOP and COEP).');
  else if (cores === 1) found.push('One thread only: the device has one core.');
  return found;
}

const clean = (text: string, length: number) =>
  text
    .replace(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]+/gu, ' ')
    .trim()
    .slice(0, length) || 'unknown';
