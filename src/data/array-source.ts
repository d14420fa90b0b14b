/** Arrays in files as samples. One file with many samples is held as it was read; a folder with one sample
 *  a file is read file by file. */
import { createHash } from 'node:crypto';
import { decodeNpy, decodeNpz } from '../model/formats/npy.ts';
import { isFloat } from '../model/ir/dtype.ts';
import type { Port } from '../model/ir/port.ts';
import { denseTensor, elementCount, numbers, type Tensor, tensorOf } from '../model/ir/tensor.ts';
import type { BinType } from '../support/bin-types.ts';
import { calibrationShape } from '../support/diagnostics/data.ts';
import { type BoundArrays, bindArrays } from './arrays.ts';
import { binNote, tensorOfBin } from './bin.ts';
import { carriedIn, describeStates, zeroStates } from './carried.ts';
import type { ClassLabels } from './classes.ts';
import { type DataFile, readBytes } from './data-files.ts';
import type { LabelFinder } from './label-files.ts';
import { matchLabels, parseLabelArray } from './labels.ts';
import { formatInput } from './picture-input.ts';
import { inParallel } from './read-all.ts';
import type { DataSource, Sample } from './source.ts';
import type { State } from './text/decoder-ports.ts';

/** Endings of files of arrays. */
export const arrayExtensions: ReadonlySet<string> = new Set(['.npy', '.npz', '.bin']);

interface Options {
  readonly name: string;
  readonly ports: readonly Port[];
  /** Inputs among them that files may leave out: zeros, then what the model gave. */
  readonly states: readonly State[];
  /** Of .bin files; the input's when left out. */
  readonly dtype?: BinType | undefined;
  /** Which of the samples to use. */
  readonly choose: (count: number) => readonly number[];
}

interface ReadFile {
  readonly bound: BoundArrays;
  /** That the file leaves out. */
  readonly states: readonly State[];
  readonly ports: readonly Port[];
}

/** @throws DATA_UNREADABLE, CALIBRATION_SHAPE, DATA_INPUTS_MISSING, BIN_…, what the decoder throws for damaged files */
async function readFile(file: DataFile, { ports, states, dtype }: Options): Promise<ReadFile> {
  const bytes = await readBytes(file.path);
  const fed = ports.filter((port) => !states.some(({ input }) => input === port));
  const [only] = fed;
  const isBin = file.extension === '.bin' && only !== undefined && fed.length === 1;
  const arrays =
    file.extension === '.npz'
      ? decodeNpz(bytes, file.name)
      : isBin
        ? new Map([['', tensorOfBin(bytes, only, dtype, file.name)]])
        : new Map([['', file.extension === '.bin' ? unnamed(bytes) : decodeNpy(bytes, file.name)]]);
  const absent = states.filter(({ input }) => !arrays.has(input.name));
  const present = ports.filter((port) => !absent.some(({ input }) => input === port));
  const bound = bindArrays(arrays, present, file.name);
  const notes = isBin && dtype === undefined ? [...bound.notes, binNote(only)] : bound.notes;
  return { bound: { ...bound, notes }, states: absent, ports: present };
}

/** Bytes of which nobody knows which of several inputs they are for: told of as such. */
const unnamed = (bytes: Uint8Array) => denseTensor('uint8', [bytes.length], bytes);

/** All samples of one .npy or .npz file.
 *  @throws CALIBRATION_SHAPE, DATA_INPUTS_MISSING, LABELS_INVALID */
export async function createArraySource(
  file: DataFile,
  /** `labels` null: those in the file itself, where there are any. */
  options: Options & { readonly labels: LabelFinder | null },
): Promise<DataSource> {
  const { bound, states } = await readFile(file, options);
  const ids = Array.from({ length: bound.length }, (_, i) => `${file.name}[${i}]`);
  const notes = [...bound.notes];
  const labels = options.labels?.(ids) ?? storedLabels(bound, file.name);
  const targets = labels ? null : storedTargets(bound, file.name, notes);
  const chosen = options.choose(bound.length);
  return arraySource({
    name: `${options.name} (${chosen.length} samples)`,
    kind: kindOf(file),
    ids,
    chosen,
    labels,
    targets,
    notes,
    ports: options.ports,
    states,
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
    const found = await readFile(file, options);
    const { bound } = found;
    if (bound.length === 1) return found;
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
    kind: kindOf(files[0]!),
    ids,
    chosen,
    labels: options.labels,
    targets: null,
    notes: [...first.bound.notes, ...options.notes],
    ports: options.ports,
    states: first.states,
    inputs: async (index) => (await load(index)).bound.inputs(0),
  });
}

const kindOf = ({ extension }: DataFile) =>
  extension === '.npz' ? 'npz' : extension === '.bin' ? 'bin' : 'npy';

/** The folder that a sample lies in. */
const folderOf = (id: string) => id.slice(0, id.lastIndexOf('/') + 1);

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
  readonly kind: 'npy' | 'npz' | 'bin';
  readonly ids: readonly string[];
  readonly chosen: readonly number[];
  readonly labels: ClassLabels | null;
  /** [samples, …] */
  readonly targets: Tensor | null;
  readonly notes: readonly string[];
  readonly ports: readonly Port[];
  /** Of which there are no arrays. */
  readonly states: readonly State[];
  inputs(index: number): Promise<Record<string, Tensor>>;
}

function arraySource(parts: Parts): DataSource {
  const { name, kind, ids, chosen, labels, targets, ports, states } = parts;
  const notes = states.length > 0 ? [...parts.notes, describeStates(states)] : parts.notes;
  const zeros = zeroStates(states);
  const inputs = async (at: number) => ({ ...(await parts.inputs(at)), ...zeros });
  const readAt = async (at: number): Promise<Sample> => ({
    id: ids[at]!,
    inputs: await inputs(at),
    label: labels?.labels[at],
    target: targets ? row(targets, at) : undefined,
  });
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
    read: async (index) => readAt(place(index)),
    ...(states.length > 0 && { carried: carriedIn(states, ids.map(folderOf), chosen, readAt) }),
  };
}

/** Row `index` of [n, …] as [1, …]. */
function row(t: Tensor, index: number): Tensor {
  const bytes = t.bytes();
  const size = bytes.length / (t.dims[0] as number);
  return denseTensor(t.dtype, [1, ...t.dims.slice(1)], bytes.subarray(index * size, (index + 1) * size));
}
