// Loads the variant of a bundle that is made for the CPU, and runs it on pictures.
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';

// onnxruntime sends usage events to its maker unless this is set before it loads.
process.env.ORT_DISABLE_TELEMETRY ??= '1';
const { default: ort } = await import('onnxruntime-node');

/** @param folder  a bundle that `edgepress bundle --targets node` made */
export async function loadBundle(folder) {
  const manifest = JSON.parse(await readFile(join(folder, 'edgepress.json'), 'utf8'));
  // Best first. (.ort files are for phones: onnxruntime does not optimise them when it loads them.)
  const variant = manifest.variants.find((v) => v.providers.includes('cpu') && v.format === 'onnx');
  if (!variant) throw new Error(`${folder} has no variant for the CPU; make it with --targets node`);
  const parts = await Promise.all(variant.parts.map((part) => readPart(folder, part)));
  const [model, ...data] = parts.sort((a, b) => (a.role === 'model' ? -1 : b.role === 'model' ? 1 : 0));
  const session = await ort.InferenceSession.create(model.bytes, {
    externalData: data.map(({ name, bytes }) => ({ path: name, data: bytes })),
    extra: nested(variant.sessionConfig),
    logSeverityLevel: 3,
  });
  const [input] = manifest.inputs;
  const [output] = manifest.outputs;

  return {
    variant: variant.name,
    /** @param picture  bytes of a JPEG, PNG, WebP … @returns the best classes, most likely first */
    async classify(picture, count = 3) {
      const tensor = await preprocess(picture, manifest.preprocessing);
      const result = await session.run({ [input.name]: tensor });
      return softmax([...result[output.name].data])
        .map((share, i) => ({ label: manifest.labels?.[i] ?? String(i), share }))
        .sort((a, b) => b.share - a.share)
        .slice(0, count);
    },
    close: () => session.release(),
  };
}

/** Joins the shards of a file and checks them against the manifest. */
async function readPart(folder, { name, role, sha256, files }) {
  const bytes = Buffer.concat(await Promise.all(files.map(({ path }) => readFile(join(folder, path)))));
  const found = createHash('sha256').update(bytes).digest('hex');
  if (found !== sha256)
    throw new Error(`${name} is not the file that the manifest names; copy the bundle again`);
  return { name, role, bytes };
}

/** A picture as the model was trained on it: scaled, cropped from the centre, normalised. */
async function preprocess(picture, spec) {
  const { resize, crop, scale, mean, std, layout, channels } = spec;
  if (channels !== 'RGB' || resize.mode === 'contain') throw new Error('not in this example: add it here');
  const image = sharp(picture, { limitInputPixels: 50e6 }).autoOrient().removeAlpha().toColourspace('srgb');
  const { width, height } = (await image.metadata()).autoOrient;
  const target = scaled({ width, height }, resize);
  const cut = crop ?? (resize.mode === 'cover' ? resize.size : target);
  // A picture of the final size stays as it is.
  const scales = width !== cut.width || height !== cut.height;
  const size = scales ? target : { width, height };
  if (scales && resize.mode !== 'none')
    image.resize({ ...size, kernel: resize.kernel ?? 'linear', fit: 'fill', fastShrinkOnLoad: false });
  const [left, top] = [Math.floor((size.width - cut.width) / 2), Math.floor((size.height - cut.height) / 2)];
  image.extract({ left, top, width: cut.width, height: cut.height });
  const { data, info } = await image.raw().toBuffer({ resolveWithObject: true });
  const pixels = info.width * info.height;
  const values = new Float32Array(3 * pixels);
  for (let p = 0; p < pixels; p++)
    for (let c = 0; c < 3; c++) {
      const value = (data[p * info.channels + c] * scale - (mean[c] ?? mean[0])) / (std[c] ?? std[0]);
      values[layout === 'NHWC' ? 3 * p + c : c * pixels + p] = value;
    }
  const dims = layout === 'NHWC' ? [1, info.height, info.width, 3] : [1, 3, info.height, info.width];
  return new ort.Tensor('float32', values, dims);
}

/** The longer side is cut to a whole number, as torchvision and edgepress do. */
function scaled({ width, height }, { mode, size }) {
  if (mode === 'none') return { width, height };
  if (mode === 'exact') return size;
  if (mode === 'shorter-side')
    return width <= height
      ? { width: size, height: Math.trunc((size * height) / width) }
      : { width: Math.trunc((size * width) / height), height: size };
  const factor = Math.max(size.width / width, size.height / height);
  return { width: Math.round(width * factor), height: Math.round(height * factor) };
}

function softmax(scores) {
  const most = Math.max(...scores);
  const powers = scores.map((s) => Math.exp(s - most));
  const sum = powers.reduce((a, b) => a + b);
  return powers.map((p) => p / sum);
}

/** onnxruntime's JavaScript takes { session: { x: '1' } } for the entry "session.x". */
function nested(config) {
  const root = {};
  for (const [key, value] of Object.entries(config)) {
    const path = key.split('.');
    const last = path.pop();
    let at = root;
    for (const step of path) at = at[step] ??= {};
    at[last] = value;
  }
  return root;
}
