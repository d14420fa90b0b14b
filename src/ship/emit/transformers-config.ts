/** config.json as transformers.js wants to find it beside the folder onnx/. */
import type { BundleEntry } from './bundle.ts';
import type { Manifest } from './manifest.ts';

/** What transformers.js calls the files: dtype by ending of the name. */
const dtypes: Readonly<Record<string, string>> = {
  'model.onnx': 'fp32',
  'model_fp16.onnx': 'fp16',
  'model_quantized.onnx': 'q8',
  'model_int8.onnx': 'int8',
  'model_q4.onnx': 'q4',
  'model_q4f16.onnx': 'q4f16',
};

/** @param modelType  `model_type` of the architecture ("mobilenet_v2"); names that it doesn't know are loaded as a
 *    plain model */
export function transformersConfig(manifest: Manifest, modelType: string): BundleEntry {
  const external = Object.fromEntries(
    manifest.variants
      .filter((v) => v.format === 'onnx' && v.parts.length > 1)
      .map((v) => [v.parts[0]!.name, 1] as const),
  );
  const best = manifest.variants.find((v) => v.providers.includes('wasm') || v.providers.includes('cpu'));
  const dtype = best && dtypes[best.parts[0]!.name];
  const options = {
    dtype,
    use_external_data_format: Object.keys(external).length > 0 ? external : undefined,
  };
  const config = {
    model_type: modelType,
    id2label: manifest.labels ? Object.fromEntries(manifest.labels.map((l, i) => [i, l])) : undefined,
    'transformers.js_config': options,
  };
  return { path: 'config.json', bytes: new TextEncoder().encode(`${JSON.stringify(config, null, 2)}\n`) };
}
