/** Tells an ONNX file from the things that are taken for one, before it is parsed. */
import { emptyFile, notOnnx, onnxTruncated } from '../../../support/diagnostics/model-files.ts';
import { Diagnostic } from '../../../support/diagnostics.ts';

/** @throws EMPTY_FILE, NOT_ONNX naming what it is instead, ONNX_TRUNCATED */
export function requireOnnx(bytes: Uint8Array, file: string): void {
  if (bytes.length === 0) throw emptyFile(file);
  const known = recognise(bytes);
  if (known) throw notOnnx(file, known.what, known.hint);
  checkFields(bytes, file);
}

/** Whether the bytes are the message that an ONNX file is, whole or cut off. */
export function isOnnx(bytes: Uint8Array): boolean {
  try {
    requireOnnx(bytes, '');
    return true;
  } catch (error) {
    return error instanceof Diagnostic && error.code === 'ONNX_TRUNCATED';
  }
}

interface Known {
  readonly what: string;
  readonly hint: string;
}

const exportHint = 'Convert it to ONNX first.';
const torchHint = 'Export it from PyTorch: torch.onnx.export(model, example, "model.onnx").';
const kerasHint = 'Export it from Keras 3: model.export("model.onnx", format="onnx").';

function recognise(bytes: Uint8Array): Known | undefined {
  const head = String.fromCharCode(...bytes.subarray(0, 512));
  const text = head.replace(/^\xef\xbb\xbf/, '').trimStart();
  if (head.startsWith('version https://git-lfs'))
    return { what: 'it is a Git LFS pointer, not the file itself', hint: 'Fetch it: git lfs pull.' };
  if (/^<(!doctype|html|head|\?xml)/i.test(text))
    return { what: 'it is a web page', hint: 'The download gave a page; use the link to the raw file.' };
  if (/^<\s*ir_version/.test(text))
    return {
      what: 'it is ONNX in textual form',
      hint: 'openModel reads both forms; parseModel reads this one.',
    };
  if (text.startsWith('{')) return recogniseJson(text);
  if (head.startsWith('PK')) return recogniseZip(bytes);
  if (
    head.startsWith('\x1f\x8b') ||
    head.startsWith('(\xb5/\xfd') ||
    head.startsWith('\xfd7zXZ') ||
    head.startsWith('BZh')
  )
    return { what: 'it is compressed', hint: 'Decompress it first (gunzip, unzstd, unxz).' };
  if (head.slice(4, 8) === 'TFL3')
    return { what: 'it is a TensorFlow Lite model', hint: 'openModel reads it.' };
  if (head.slice(4, 8) === 'ORTM')
    return { what: "it is onnxruntime's own format (.ort)", hint: 'openModel reads it.' };
  if (head.startsWith('\x89HDF')) return { what: 'it is HDF5, as Keras writes it', hint: kerasHint };
  if (head.startsWith('GGUF')) return { what: 'it is a GGUF model', hint: exportHint };
  if (head.startsWith('\x93NUMPY')) return { what: 'it is a NumPy array', hint: 'Pass data with --data.' };
  if (bytes[0] === 0x80 && bytes[1]! >= 2 && bytes[1]! <= 5)
    return { what: 'it is a Python pickle (PyTorch)', hint: torchHint };
  if (head[8] === '{' && bytes[4] === 0 && bytes[5] === 0 && bytes[6] === 0 && bytes[7] === 0)
    return { what: 'it is a safetensors file: weights without a graph', hint: torchHint };
  return undefined;
}

const recogniseJson = (text: string): Known =>
  /"(modelTopology|weightsManifest)"|"format":\s*"(graph|layers)-model"/.test(text)
    ? {
        what: 'it is a TensorFlow.js model',
        hint: 'openModel reads it.',
      }
    : { what: 'it is JSON', hint: exportHint };

function recogniseZip(bytes: Uint8Array): Known {
  const names = String.fromCharCode(...bytes.subarray(0, 4096));
  if (/data\.pkl|\/version|\.pkl/.test(names)) return { what: 'it is a PyTorch file (zip)', hint: torchHint };
  if (/\.npy/.test(names)) return { what: 'it is a NumPy archive (.npz)', hint: 'Pass data with --data.' };
  if (/\.keras|config\.json|model\.weights\.h5/.test(names))
    return { what: 'it is a Keras model (zip)', hint: kerasHint };
  return { what: 'it is a zip archive', hint: 'Unpack it first.' };
}

/** Wire types of ModelProto's fields; 2 is length-delimited. */
const fieldTypes = new Map([
  ...[1, 5].map((n) => [n, 0] as const),
  ...[2, 3, 4, 6, 7, 8, 14, 20, 25].map((n) => [n, 2] as const),
]);

/** Walks over the outermost fields. A field that runs past the end of an otherwise sound file: it was cut off. */
function checkFields(bytes: Uint8Array, file: string): void {
  let at = 0;
  let seen = 0;
  const varint = () => {
    let value = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      const byte = bytes[at++];
      if (byte === undefined) throw seen > 0 ? onnxTruncated(file, 1, bytes.length) : foreign(file);
      value += (byte & 127) * 2 ** shift;
      if (byte < 128) return value;
    }
    throw foreign(file);
  };
  while (at < bytes.length) {
    const tag = varint();
    const expected = fieldTypes.get(Math.floor(tag / 8));
    const wireType = tag % 8;
    if (tag < 8 || (expected ?? wireType) !== wireType) throw foreign(file);
    if (expected !== undefined) seen++;
    if (wireType === 0) varint();
    else if (wireType === 2) at = varint() + at;
    else if (wireType === 1 || wireType === 5) at += wireType === 1 ? 8 : 4;
    else throw foreign(file);
    if (at > bytes.length)
      throw seen > 1 ? onnxTruncated(file, at - bytes.length, bytes.length) : foreign(file);
  }
}

const foreign = (file: string) =>
  notOnnx(
    file,
    'its bytes are not the protobuf message that an ONNX file is',
    'Check that it is the .onnx file, and that the download is complete.',
  );
