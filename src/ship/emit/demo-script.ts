/** demo/demo.js of every bundle. Plain JavaScript, so that whoever opens it can read and copy it. */
export const demoScript = `import { loadModel } from "./runtime/index.js";

const at = (id) => document.getElementById(id);
const say = (text) => {
  at('status').textContent = text;
};

/** Numbers as a table's cell shows them. */
const shown = (x) => (typeof x === 'number' ? String(Number(x.toPrecision(4))) : String(x));

function rows(table, pairs) {
  table.replaceChildren(
    ...pairs.map(([name, value]) => {
      const row = document.createElement('tr');
      const head = document.createElement('th');
      const cell = document.createElement('td');
      head.textContent = name;
      cell.textContent = value;
      row.append(head, cell);
      return row;
    }),
  );
}

function showInfo(model) {
  const { variant, provider, threads, reason, runtime, cache } = model.info;
  rows(at('info'), [
    ['variant', variant],
    ['provider', provider],
    ['threads', threads],
    ['because', reason],
    ['runtime', runtime],
    ['files kept', cache],
  ]);
}

/** Scores as shares: as they are when they add up to 1 already. */
function shares(values) {
  const sum = values.reduce((a, b) => a + b, 0);
  if (Math.abs(sum - 1) < 1e-3 && values.every((v) => v >= 0)) return values;
  const most = Math.max(...values);
  const powers = values.map((v) => Math.exp(v - most));
  const total = powers.reduce((a, b) => a + b, 0);
  return powers.map((p) => p / total);
}

function best(data, labels) {
  return shares(Array.from(data, Number))
    .map((share, i) => ({ share, name: labels?.[i] ?? 'class ' + i }))
    .sort((a, b) => b.share - a.share)
    .slice(0, 5);
}

/** A row of scores, [classes] or [1, classes], of which most have a label: a file of labels may end before the last class. */
const isScores = ({ data, dims, type }, labels) =>
  type.startsWith('float') &&
  data.length === dims.at(-1) &&
  data.length > 1 &&
  labels?.length <= data.length &&
  2 * labels.length > data.length;

/** How many classes have no name but their number. */
function unnamed({ data }, labels) {
  const count = Array.from(data).filter((_, i) => (labels[i] ?? 'class ' + i) === 'class ' + i).length;
  return count === 0 ? '' : count + ' of ' + data.length + ' classes have no name: compress bundle --label-names gives them some.';
}

function summary({ data, dims, type }) {
  const numbers = Array.from(data.slice(0, 100000), Number);
  const text = numbers.slice(0, 8).map(shown).join(', ') + (data.length > 8 ? ', …' : '');
  const range = type === 'string' ? '' : ' from ' + shown(Math.min(...numbers)) + ' to ' + shown(Math.max(...numbers));
  return type + ' [' + dims.join(', ') + ']' + range + ': ' + text;
}

function showOutputs(outputs, labels, ms) {
  const scores = Object.values(outputs).find((o) => isScores(o, labels));
  rows(
    at('classes'),
    scores ? best(scores.data, labels).map(({ name, share }) => [name, (100 * share).toFixed(1) + ' %']) : [],
  );
  at('unnamed').textContent = scores ? unnamed(scores, labels) : '';
  rows(
    at('outputs'),
    Object.entries(outputs).map(([name, output]) => [name, summary(output)]),
  );
  say('Computed in ' + ms.toFixed(1) + ' ms.');
}

/** Seeded noise, so that two devices can be compared. */
function madeUp({ inputs }) {
  let state = 1;
  const next = () => {
    state = (state * 48271) % 2147483647;
    return state / 2147483647;
  };
  return Object.fromEntries(
    inputs.map(({ name, dtype, shape }) => {
      const dims = (shape ?? [1]).map((d) => (typeof d === 'number' ? d : 1));
      const length = dims.reduce((a, b) => a * b, 1);
      const value = dtype.startsWith('float') ? () => 2 * next() - 1 : () => 0;
      return [name, { data: Array.from({ length }, value), dims }];
    }),
  );
}

async function start() {
  say('Loading …');
  const model = await loadModel('../', {
    ort: './ort/',
    tfjs: './tfjs/',
    litert: './litert/',
    onProgress: ({ loaded, total }) => {
      at('bar').value = total > 0 ? loaded / total : 1;
    },
  });
  at('bar').hidden = true;
  showInfo(model);
  const { manifest } = model;

  const run = async (inputs) => {
    say('Computing …');
    const begin = performance.now();
    const outputs = await model.run(inputs);
    showInfo(model);
    showOutputs(outputs, model.labels, performance.now() - begin);
  };
  const guarded = (work) => work().catch((error) => say((error.code ?? error.name) + ': ' + error.message));

  const picture = manifest.preprocessing && manifest.inputs.length === 1 ? manifest.inputs[0].name : null;
  at('picture').hidden = picture === null;
  at('file').addEventListener('change', ({ target }) =>
    guarded(async () => {
      const [file] = target.files;
      if (!file) return;
      const bitmap = await createImageBitmap(file);
      const canvas = at('preview');
      canvas.hidden = false;
      canvas.width = Math.min(bitmap.width, 320);
      canvas.height = Math.round((canvas.width * bitmap.height) / bitmap.width);
      canvas.getContext('2d').drawImage(bitmap, 0, 0, canvas.width, canvas.height);
      await run({ [picture]: bitmap });
    }),
  );
  at('made-up').addEventListener('click', () => guarded(() => run(madeUp(manifest))));
  at('made-up').disabled = false;
  say('Ready.');
  document.documentElement.dataset.ready = 'true';
}

start().catch((error) => {
  at('bar').hidden = true;
  say((error.code ?? error.name) + ': ' + error.message);
});
`;
