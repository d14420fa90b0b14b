/** Which variants this device measures, on what; and what it leaves out, with the reason. */
import type { Manifest, Variant } from '../../emit/manifest.ts';
import type { DeviceFacts, LeftOut, Run, WebProvider } from '../messages.ts';

export interface Plan {
  readonly runs: readonly Run[];
  readonly left: readonly LeftOut[];
}

type Facts = Pick<
  DeviceFacts,
  'cores' | 'crossOriginIsolated' | 'secureContext' | 'adapter' | 'shaderF16' | 'notes'
>;

export function planRuns(manifest: Pick<Manifest, 'variants'>, facts: Facts): Plan {
  const runs: Run[] = [];
  const left: LeftOut[] = [];
  for (const variant of manifest.variants) {
    const providers = variant.providers.filter((p): p is WebProvider => p === 'wasm' || p === 'webgpu');
    if (variant.providers.includes('webnn'))
      left.push({ variant: variant.name, what: 'webnn', reason: 'The lab does not measure WebNN.' });
    else if (providers.length === 0)
      left.push({
        variant: variant.name,
        what: variant.format,
        reason: 'It is made for apps, not for web pages.',
      });
    for (const provider of providers) {
      const reason = obstacle(variant, provider, facts);
      if (reason) left.push({ variant: variant.name, what: provider, reason });
      else
        for (const threads of provider === 'wasm' ? threadCounts(variant, facts) : [1])
          runs.push({ variant: variant.name, provider, threads });
    }
  }
  return { runs, left };
}

function obstacle({ requires }: Variant, provider: WebProvider, facts: Facts): string | null {
  if ((provider === 'webgpu' || requires.includes('webgpu')) && facts.adapter === null)
    return facts.secureContext ? 'There is no WebGPU here.' : 'WebGPU needs a secure context.';
  if (requires.includes('shader-f16') && !facts.shaderF16) return 'The graphics adapter has no shader-f16.';
  if (requires.includes('webnn')) return 'The lab does not measure WebNN.';
  if (requires.includes('threads') && !facts.crossOriginIsolated) return 'There are no threads here.';
  return null;
}

/** One thread, and what the runtime takes by itself where it may: half the cores, at most four. The threads of TensorFlow.js would
 *  be made of text, which the lab's page does not run. */
function threadCounts({ requires, format }: Variant, { cores, crossOriginIsolated }: Facts): number[] {
  if (format === 'tfjs') return [1];
  const most =
    crossOriginIsolated && (cores ?? 1) > 1 ? Math.max(2, Math.min(4, Math.ceil((cores ?? 1) / 2))) : 1;
  if (requires.includes('threads')) return [most];
  return most > 1 ? [1, most] : [1];
}
