/** What `profile` measures: the variants of a bundle, or a model as an engine and a page are handed it. */
import { statSync } from 'node:fs';
import { syntheticInputs } from '../data/synthetic.ts';
import type { ModelFormat } from '../model/formats/format.ts';
import type { ModelInput } from '../model/formats/open-file.ts';
import type { ModelSource, OpenedModel } from '../model/formats/opened.ts';
import { tfliteFormat } from '../model/formats/tflite/format.ts';
import { isDType } from '../model/ir/dtype.ts';
import { outputPortsOf, type Port, portsOf } from '../model/ir/port.ts';
import type { Manifest } from '../ship/emit/manifest.ts';
import type { OpenedBundle } from '../ship/lab/bundle.ts';
import type { Subject } from '../ship/profile/device.ts';
import { unknownDtype } from '../support/diagnostics/graph.ts';
import type { ProfileRequest } from './requests/profile.ts';

export const isBundle = (target: ModelInput): target is string =>
  typeof target === 'string' && statSync(target, { throwIfNoEntry: false })?.isDirectory() === true;

/** Sizes of open dimensions by symbol; 1 otherwise. */
type Dims = Readonly<Record<string, number>>;

/** @param request  "height=224" and the like */
export const dimsOf = ({ dim = [] }: Pick<ProfileRequest, 'dim'>): Dims =>
  Object.fromEntries(dim.map(({ name, size }) => [name, size]));

export function bundleSubjects({ manifest, files }: OpenedBundle, dims: Dims): Subject[] {
  const inputs = manifest.inputs.map(portOf);
  const outputs = manifest.outputs.map(portOf);
  const feeds = syntheticInputs(inputs, { seed: 0, dims: { ...pictureDims(manifest), ...dims } });
  return manifest.variants.map((variant) => ({
    name: variant.name,
    parts: variant.parts.map((part) => ({
      name: part.name,
      role: part.role,
      files: part.files.map((file) => ({ path: files.get(file.path)! })),
    })),
    format: variant.format,
    providers: variant.providers,
    requires: variant.requires,
    sessionConfig: variant.sessionConfig,
    ...{ inputs, outputs },
    feeds,
    sizes: { bytes: variant.bytes, brotliBytes: variant.brotliBytes },
  }));
}

function portOf({ name, dtype, shape }: Manifest['inputs'][number]): Port {
  if (!isDType(dtype)) throw unknownDtype(dtype, `"${name}"`);
  return { name, dtype, shape };
}

/** Height and width of the picture that the app will feed, where the model leaves them open. */
function pictureDims({ preprocessing, inputs }: Manifest): Record<string, number> {
  const crop = (preprocessing?.['crop'] ?? null) as { width?: number; height?: number } | null;
  const input = inputs.find(({ shape }) => shape?.length === 4);
  if (!crop?.width || !crop.height || !input) return {};
  const first = preprocessing?.['layout'] === 'NHWC' ? 1 : 2;
  return Object.fromEntries(
    [crop.height, crop.width].flatMap((size, i) => {
      const symbol = input.shape?.[first + i];
      const places = [`${input.name}:${first + i}`, ...(typeof symbol === 'string' ? [symbol] : [])];
      return places.map((place) => [place, size]);
    }),
  );
}

/** A .tflite file as it is, for LiteRT.js in pages, and what onnxruntime is handed in the place of files that it doesn't open. */
export function modelSubjects(opened: OpenedModel, dims: Dims): [Subject, ...Subject[]] {
  const inputs = portsOf(opened.model);
  const { halfWeights, ...source } = opened.engineSource('path');
  const common = {
    ...{ providers: null, requires: [], sessionConfig: {}, inputs },
    feeds: syntheticInputs(inputs, { seed: 0, dims }),
  };
  const { format, name } = opened;
  const asOnnx: Subject = {
    ...common,
    name: format.extensions.includes('.ort') || namesOnnx(format) ? name : `${name} as ONNX`,
    parts: partsOf(opened, source),
    format: format.extensions.includes('.ort') ? 'ort' : 'onnx',
    halfWeights,
  };
  // Cut or given sizes, it is no longer what is in the file.
  if (format !== tfliteFormat) return [asOnnx];
  const files = opened.files.map(({ path, bytes }) => (path === null ? { bytes: bytes() } : { path }));
  const asItIs: Subject = {
    ...common,
    name,
    parts: [{ name, role: 'model', files }],
    format: 'litert',
    outputs: outputPortsOf(opened.model),
  };
  return [asItIs, asOnnx];
}

/** Whether an engine is handed a model of a format under that format's name. */
const namesOnnx = ({ id }: ModelFormat): boolean => id === 'onnx' || id === 'onnx-text';

function partsOf({ name, files }: OpenedModel, source: ModelSource): Subject['parts'] {
  if ('path' in source)
    return files.map((file, i) => ({
      name: file.name,
      role: i === 0 ? 'model' : 'data',
      files: [{ path: file.path! }],
    }));
  const data = [...(source.externalData ?? [])].map(([name, bytes]) => ({
    name,
    role: 'data' as const,
    files: [{ bytes }],
  }));
  return [{ name, role: 'model', files: [{ bytes: source.bytes }] }, ...data];
}
