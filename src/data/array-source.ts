/** Arrays in files as samples. One file with many samples is held as it was read; a folder with one sample
 *  a file is read file by file. */
import { createHash } from 'node:crypto';
import { decodeNpy, decodeNpz } from '../model/formats/npy.ts';
import { isFloat } from '../model/ir/dtype.ts';
import type { Port } from '../model/ir/port.ts';
import { denseTensor, elementCount, numbers, type Tensor, tensorOf } from '../model/ir/tensor.ts';
import { calibrationShape } from '../support/diagnostics/data.ts';
import { type BoundArrays, bindArrays } from './arrays.ts';
import type { ClassLabels } from './classes.ts';
import { type DataFile, readBytes } from './data-files.ts';
import type { LabelFinder } from './label-files.ts';
import { matchLabels, parseLabelArray } from './labels.ts';
import { formatInput } from './picture-input.ts';
import { inParallel } from './read-all.ts';
import type { DataSource } from './source.ts';

/** @throws DATA_UNREADABLE, and what the decoder throws for damaged files */
async function readArrays(file: DataFile): Promise<ReadonlyMap<string, Tensor>> {
  const bytes = await readBytes(file.path);
  return file.extension === '.npz'
    ? decodeNpz(bytes, file.name)
    : new Map([['', decodeNpy(bytes, file.name)]]);
}

interface Options {
  readonly name: string;
  readonly ports: readonly Port[];
  /** Which of the samples to use. */
  readonly choose: (count: number) => readonly number[];
}

/** All samples of one .npy or .npz file.
 *  @throws CALIBRATION_SHAPE, DATA_INPUTS_MISSING, LABELS_INVALID */
export async function createArraySource(
  file: DataFile,
  /** `labels` null: those in the file itself, where there are any. */
  options: Options & { readonly labels: LabelFinder | null },
): Promise<DataSource> {
  const bound = bindArrays(await readArrays(file), options.ports, file.name);
  const ids = Array.from({ length: bound.length }, (_, i) => `${file.name}[${i}]`);
  const notes = [...bound.notes];
  const labels = options.labels?.(ids) ?? storedLabels(bound, file.name);
  const targets = labels ? null : storedTargets(bound, file.name, notes);
  const chosen = options.choose(bound.length);
  return arraySource({
    name: `${options.name} (${chosen.length} samples)`,
    kind: file.extension === '.npz' ? 'npz' : 'npy',
    ids,
    chosen,
    labels,
    targets,
    notes,
    ports: options.ports,
    inputs: async (index) => bound.inputs(index),
  });
}

/** A folder with one sample a file.
 *  @throws CALIBRATION_SHAPE when the first file doesn't fit (others when they are read) */
export async function createArrayFolderSource(
  files: readonly DataFile[],
  options: Options & { readonly labels: ClassLabels | null; readonly notes: readonly string[] },
): Promise<DataSource> {
  const load = async (index: number) => {
    const file = files[index]!;
    const bound = bindArrays(await readArrays(file), options.ports, file.name);
    if (bound.length === 1) return bound;
    const port = options.ports[0]!;
    throw calibrationShape(
      file.name,
      `${bound.length} samples`,
      port.name,
      `${formatInput(port)}, and in a folder each file is one sample`,
      'Pass that file itself, or write one file for each sample.',
    );
  };
  const first = await load(0);
  const ids = files.map((f) => f.name);
  const chosen = options.choose(files.length);
  return arraySource({
    name: `${options.name} (${chosen.length} arrays)`,
    kind: files[0]!.extension === '.npz' ? 'npz' : 'npy',
    ids,
    chosen,
    labels: options.labels,
    targets: null,
    notes: [...first.notes, ...options.notes],
    ports: options.ports,
    inputs: async (index) => (await load(index)).inputs(0),
  });
}

/** Class indices that lie in the .npz itself. */
function storedLabels(bound: BoundArrays, where: string): ClassLabels | null {
  if (!bound.labels) return null;
  const one = elementCount(bound.labels.dims) === bound.length;
  if (!one || !numbers(bound.labels).every((v) => Number.isInteger(v) && v >= 0)) return null;
  const ids = Array.from({ length: bound.length }, () => '');
  return matchLabels(parseLabelArray(bound.labels, where), ids, where);
}

/** Labels that are more than one class index a sample: tokens, values to predict. Only training knows what to do with
 *  them. */
function storedTargets(bound: BoundArrays, where: string, notes: string[]): Tensor | null {
  const { labels } = bound;
  if (!labels) return null;
  const shape = labels.dims.join(',');
  if (labels.dims[0] !== bound.length || labels.kind === 'string') {
    notes.push(`labels [${shape}] in ${where} are not one a sample: not used`);
    return null;
  }
  notes.push(
    `labels [${shape}] in ${where} are not one class index a sample: targets of training and of --metric mse, mae, r2`,
  );
  return isFloat(labels.dtype)
    ? tensorOf('float32', labels.dims, numbers(labels))
    : tensorOf(
        'int64',
        labels.dims,
        BigInt64Array.from(Array.from(numbers(labels)), (v) => BigInt(v)),
      );
}

interface Parts {
  readonly name: string;
  readonly kind: 'npy' | 'npz';
  readonly ids: readonly string[];
  readonly chosen: readonly number[];
  readonly labels: ClassLabels | null;
  /** [samples, …] */
  readonly targets: Tensor | null;
  readonly notes: readonly string[];
  readonly ports: readonly Port[];
  inputs(index: number): Promise<Record<string, Tensor>>;
}

function arraySource({ name, kind, ids, chosen, labels, targets, notes, ports, inputs }: Parts): DataSource {
  const place = (index: number) => {
    const at = chosen[index];
    if (at === undefined) throw new RangeError(`There is no sample ${index}; there are ${chosen.length}.`);
    return at;
  };
  const label = (index: number) => labels?.labels[place(index)];
  const fingerprint = async (index: number) => {
    const hash = createHash('sha256');
    const sample = await inputs(place(index));
    for (const port of ports) {
      const tensor = sample[port.name]!;
      hash.update(`${port.name} ${tensor.dtype} ${tensor.dims.join(',')}\n`).update(tensor.bytes());
    }
    return hash.digest('hex');
  };
  return {
    name,
    kind,
    length: chosen.length,
    labelled: labels !== null,
    targeted: targets !== null,
    classes: labels && labels.classes.length > 0 ? labels.classes : null,
    classesInOrder: labels?.inOrder === true,
    guessed: labels ? [...notes, labels.how] : notes,
    preprocessing: null,
    label,
    fingerprint,
    async hash() {
      const contents = await inParallel(chosen.length, 4, fingerprint);
      const lines = contents.map((content, i) => `${ids[place(i)]}\t${content}\t${label(i) ?? ''}\n`);
      return createHash('sha256').update(lines.join('')).digest('hex');
    },
    async read(index) {
      return {
        id: ids[place(index)]!,
        inputs: await inputs(place(index)),
        label: label(index),
        target: targets ? row(targets, place(index)) : undefined,
      };
    },
  };
}

/** Row `index` of [n, …] as [1, …]. */
function row(t: Tensor, index: number): Tensor {
  const bytes = t.bytes();
  const size = bytes.length / (t.dims[0] as number);
  return denseTensor(t.dtype, [1, ...t.dims.slice(1)], bytes.subarray(index * size, (index + 1) * size));
}
