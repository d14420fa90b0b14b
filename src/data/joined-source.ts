/** Samples whose inputs come from sources of their own, sample by sample. */
import type { Tensor } from '../model/ir/tensor.ts';
import { sha256Text } from '../support/hash.ts';
import { carriedIn, describeStates, zeroStates } from './carried.ts';
import type { ClassLabels } from './classes.ts';
import type { DataSource, Sample } from './source.ts';
import type { State } from './text/decoder-ports.ts';

interface JoinedOptions {
  readonly name: string;
  /** Each has all samples, in the same order, and some of the inputs. */
  readonly parts: readonly DataSource[];
  /** Names of the samples. */
  readonly ids: readonly string[];
  /** Left out, since they can't be read. */
  readonly leftOut: readonly string[];
  readonly labels: ClassLabels | null;
  readonly notes: readonly string[];
  /** Of which no part has anything: zeros, then what the model gave over the samples before in the same folder. */
  readonly states: readonly State[];
  readonly choose: (count: number) => readonly number[];
}

export function joinSources(options: JoinedOptions): DataSource {
  const { name, parts, ids, labels, states } = options;
  const chosen = options.choose(ids.length);
  const zeros = zeroStates(states);
  const place = (index: number) => {
    const at = chosen[index];
    if (at === undefined) throw new RangeError(`There is no sample ${index}; there are ${chosen.length}.`);
    return at;
  };
  const readAt = async (at: number): Promise<Sample> => {
    const inputs: Record<string, Tensor> = { ...zeros };
    for (const part of parts) Object.assign(inputs, (await part.read(at)).inputs);
    return { id: ids[at]!, inputs, label: labels?.labels[at] };
  };
  const label = (index: number) => labels?.labels[place(index)];
  const shown = parts.find((part) => part.preprocessing) ?? parts[0]!;
  const { picture } = parts.find((part) => part.picture) ?? {};
  const all = (describe: (part: DataSource) => Promise<unknown> | undefined) =>
    Promise.all(parts.map((part) => describe(part)));
  return {
    name: `${name} (${chosen.length} samples)`,
    kind: parts.length === 1 ? parts[0]!.kind : 'files',
    length: chosen.length,
    labelled: labels !== null,
    classes: labels && labels.classes.length > 0 ? labels.classes : null,
    classesInOrder: labels?.inOrder === true,
    guessed: [
      ...new Set([
        ...options.notes,
        ...parts.flatMap((part) => part.guessed),
        ...(labels ? [labels.how] : []),
        ...(states.length > 0 ? [describeStates(states)] : []),
      ]),
    ],
    ...(options.leftOut.length > 0 && { leftOut: options.leftOut }),
    preprocessing: shown.preprocessing,
    preprocessingGuessed: parts.some((part) => part.preprocessingGuessed),
    label,
    fingerprint: async (index) => (await all((part) => part.fingerprint?.(place(index)))).join(),
    hash: async () =>
      sha256Text(
        JSON.stringify([await all((part) => part.hash()), chosen.map((at, i) => [ids[at], label(i)])]),
      ),
    read: async (index) => readAt(place(index)),
    async check(indices) {
      for (const part of parts) await part.check?.(indices.map(place));
    },
    ...(picture && { picture: async (index, drawing) => picture(place(index), drawing) }),
    ...(states.length > 0 && { carried: carriedIn(states, ids.map(folderOf), chosen, readAt) }),
  };
}

const folderOf = (id: string) => id.slice(0, id.lastIndexOf('/') + 1);
