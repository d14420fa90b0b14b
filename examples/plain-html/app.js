// A picture in, the names of ten classes out. Everything is loaded from this folder.
import { loadModel } from 'edgepress-runtime';

const at = (id) => document.getElementById(id);
const board = at('board');
const pen = board.getContext('2d', { willReadFrequently: true });

export const model = await loadModel('./model/', {
  onProgress: ({ loaded, total }) => {
    at('bar').value = total ? loaded / total : 0;
  },
}).catch((error) => {
  // Errors carry a code and a sentence that can be shown.
  at('status').textContent = `${error.code ?? error.name}: ${error.message}`;
  throw error;
});
at('bar').hidden = true;
at('status').textContent = 'Ready.';
const { variant, provider, threads, reason } = model.info;
at('info').textContent = `${variant} on ${provider}, ${threads} thread${threads === 1 ? '' : 's'}: ${reason}`;

// The first input and output, whatever they are called: so any image classifier's bundle can stand in model/.
const [input, output] = [model.manifest.inputs[0].name, model.manifest.outputs[0].name];

/** Anything that can be drawn is an input: a canvas, an image, a video, an ImageBitmap. The runtime scales it and
 *  normalises it as the model was trained. */
async function classify(picture) {
  const begin = performance.now();
  const { [output]: scores } = await model.run({ [input]: picture });
  const took = performance.now() - begin;
  const best = shares([...scores.data])
    .map((share, i) => ({ share, name: model.labels?.[i] ?? `class ${i}` }))
    .sort((a, b) => b.share - a.share)
    .slice(0, 3);
  at('classes').replaceChildren(...best.map(row));
  at('status').textContent = `${best[0].name}, in ${took.toFixed(1)} ms`;
}

/** Softmax: scores as shares that add up to one. */
function shares(scores) {
  const most = Math.max(...scores);
  const powers = scores.map((s) => Math.exp(s - most));
  const sum = powers.reduce((a, b) => a + b);
  return powers.map((p) => p / sum);
}

function row({ name, share }) {
  const item = document.createElement('li');
  const [label, bar, number] = ['span', 'meter', 'span'].map((tag) => document.createElement(tag));
  label.textContent = name;
  bar.value = share;
  number.textContent = `${(100 * share).toFixed(1)} %`;
  item.append(label, bar, number);
  return item;
}

function clear() {
  pen.fillStyle = '#fff';
  pen.fillRect(0, 0, board.width, board.height);
  at('classes').replaceChildren();
}

/** Where the pointer is, in the board's own pixels. */
function place({ offsetX, offsetY }) {
  const scale = board.width / board.clientWidth;
  return [offsetX * scale, offsetY * scale];
}

let last = null;
board.addEventListener('pointerdown', (event) => {
  board.setPointerCapture(event.pointerId);
  last = place(event);
});
board.addEventListener('pointermove', (event) => {
  if (event.buttons === 0 || !last) return;
  const next = place(event);
  pen.lineWidth = 20;
  pen.lineCap = 'round';
  pen.strokeStyle = '#123';
  pen.beginPath();
  pen.moveTo(...last);
  pen.lineTo(...next);
  pen.stroke();
  last = next;
});
board.addEventListener('pointerup', () => classify(board));
at('clear').addEventListener('click', clear);
at('file').addEventListener('change', async ({ target }) => {
  const [file] = target.files;
  if (!file) return;
  const picture = await createImageBitmap(file).catch(() => null);
  target.value = '';
  if (!picture) {
    at('status').textContent = `${file.name} is not a picture that this browser reads.`;
    return;
  }
  clear();
  const scale = Math.min(board.width / picture.width, board.height / picture.height);
  const [w, h] = [picture.width * scale, picture.height * scale];
  pen.drawImage(picture, (board.width - w) / 2, (board.height - h) / 2, w, h);
  await classify(picture);
});
clear();
document.documentElement.dataset.ready = 'true';
