// Image classification in the page: a bundle in public/model/, one call to load it, one to run it.
import { loadModel } from 'edgepress-runtime';
// Types of this very model; `compress bundle` wrote them.
import type { Inputs, Outputs } from '../public/model/index.d.ts';
import { startCamera } from './camera.ts';
import { showClasses } from './classes.ts';
import './style.css';

const at = <T extends HTMLElement>(id: string) => document.getElementById(id) as T;
const [video, picture] = [at<HTMLVideoElement>('video'), at<HTMLImageElement>('picture')];
const [button, file] = [at<HTMLButtonElement>('camera'), at<HTMLInputElement>('file')];
const say = (text: string) => {
  at('status').textContent = text;
};

// The runtime chooses by itself; ?provider=webgpu or ?variant=float in the address overrule it, to compare.
const query = new URLSearchParams(location.search);
const asked = (name: 'variant' | 'provider') => (query.has(name) ? { [name]: query.get(name) } : {});

// For variants of LiteRT.js, and of TensorFlow.js in bundles made with --targets wasm,tfjs: where the build puts the files that these
// fetch for themselves, by name. None where the packages aren't installed; then onnxruntime-web runs the model.
const [litertWasmPaths, tfjsWasmPaths] = [
  import.meta.glob<string>('/node_modules/@litertjs/core/wasm/litert_wasm_{,threaded_,compat_}internal.{js,wasm}', {
    query: '?url',
    import: 'default',
    eager: true,
  }),
  import.meta.glob<string>('/node_modules/@tensorflow/tfjs-backend-wasm/dist/*.wasm', {
    query: '?url',
    import: 'default',
    eager: true,
  }),
].map(byName);

function byName(files: Readonly<Record<string, string>>): Record<string, string> | undefined {
  const entries = Object.entries(files).map(([path, url]) => [
    path.slice(path.lastIndexOf('/') + 1),
    new URL(url, document.baseURI).href,
  ]);
  return entries.length > 0 ? Object.fromEntries(entries) : undefined;
}

const model = await loadModel<Inputs, Outputs>(new URL('model/', document.baseURI), {
  ...asked('variant'),
  ...asked('provider'),
  ...(litertWasmPaths && { litertWasmPaths }),
  ...(tfjsWasmPaths && { tfjsWasmPaths }),
  onProgress: ({ loaded, total }) => {
    at<HTMLProgressElement>('bar').value = total ? loaded / total : 0;
  },
}).catch((error: Error) => {
  say(error.message);
  throw error;
});
at('bar').hidden = true;
say('Ready.');
const { variant, provider, threads, reason } = model.info;
at('info').textContent = `${variant} on ${provider}, ${threads} thread${threads === 1 ? '' : 's'}: ${reason}`;

// The first input and output, so that any image classifier's bundle can stand in public/model/. With one for good,
// write model.run({ image: video }): the types say what the names are.
const input = model.manifest.inputs[0]!.name as keyof Inputs;
const output = model.manifest.outputs[0]!.name as keyof Outputs;

/** A video, an image, a canvas, an ImageBitmap: the runtime scales and normalises as the model was trained. */
async function classify(source: HTMLVideoElement | HTMLImageElement): Promise<void> {
  const begin = performance.now();
  const outputs = await model.run({ [input]: source } as Inputs);
  const best = showClasses(at('classes'), outputs[output].data, model.labels ?? []);
  say(`${best}, in ${(performance.now() - begin).toFixed(1)} ms`);
}

let stopCamera: (() => void) | null = null;

function endCamera(): void {
  stopCamera?.();
  stopCamera = null;
  button.textContent = 'Start the camera';
}

button.addEventListener('click', async () => {
  if (stopCamera) {
    endCamera();
    say('Stopped.');
    return;
  }
  try {
    stopCamera = await startCamera(video, () => classify(video));
    button.textContent = 'Stop the camera';
    show(video);
  } catch (error) {
    say(error instanceof Error ? error.message : String(error));
  }
});

async function open(chosen: Blob | undefined): Promise<void> {
  if (!chosen) return;
  endCamera();
  URL.revokeObjectURL(picture.src);
  picture.src = URL.createObjectURL(chosen);
  try {
    await picture.decode();
  } catch {
    say('That is not a picture that this browser reads.');
    return;
  }
  show(picture);
  await classify(picture);
}

function show(what: HTMLElement): void {
  for (const element of [video, picture, at('hint')]) element.hidden = element !== what;
}

file.addEventListener('change', () => open(file.files?.[0]));
document.addEventListener('dragover', (event) => event.preventDefault());
document.addEventListener('drop', (event) => {
  event.preventDefault();
  void open(event.dataTransfer?.files[0]);
});
button.disabled = false;
file.disabled = false;
