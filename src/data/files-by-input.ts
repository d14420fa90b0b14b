/** Which input of a model a file is for, and which of its samples, by names alone: a/0001.npy, 0001/a.npy, 0001.a.npy, 0001_a.npy,
 *  a_0001.npy. */
import type { Port } from '../model/ir/port.ts';
import type { DataFile } from './data-files.ts';

export interface FilesByInput {
  /** Names of the samples, sorted: those that any input has a file of. */
  readonly samples: readonly string[];
  /** Of each input that has files at all, one a sample, by its name. */
  readonly files: ReadonlyMap<Port, ReadonlyMap<string, DataFile>>;
  /** Two files that claim to be the same sample of one input. */
  readonly twice: readonly [DataFile, DataFile] | null;
  /** Named after no input. */
  readonly rest: readonly DataFile[];
  /** In words: "a folder for each input". */
  readonly how: string;
}

interface Named {
  readonly port: Port;
  readonly sample: string;
}

type Way = (file: DataFile, ports: readonly Port[]) => Named | null;

/** File names can't hold all that names of inputs can. */
const plain = (name: string) => name.replace(/[^\w]/g, '_');

const stemOf = ({ name, extension }: DataFile) => name.slice(0, name.length - extension.length);

const inFolder: Way = (file, ports) => {
  const parts = stemOf(file).split('/');
  for (const [i, part] of parts.slice(0, -1).entries()) {
    const port = ports.find(({ name }) => plain(name) === plain(part));
    if (port) return { port, sample: parts.toSpliced(i, 1).join('/') };
  }
  return null;
};

const wholeName: Way = (file, ports) => {
  const parts = stemOf(file).split('/');
  const port = ports.find(({ name }) => plain(name) === plain(parts.at(-1)!));
  return port && parts.length > 1 ? { port, sample: parts.slice(0, -1).join('/') } : null;
};

/** The longest name that fits: "mask" is not the input of 1_face_mask.npy where there is a "face_mask". */
function atEnd(isFirst: boolean): Way {
  return (file, ports) => {
    const stem = stemOf(file);
    const start = stem.lastIndexOf('/') + 1;
    const written = plain(stem.slice(start));
    const fits = (port: Port) => {
      const name = plain(port.name);
      return isFirst ? written.startsWith(`${name}_`) : written.endsWith(`_${name}`);
    };
    const [port] = ports.filter(fits).sort((a, b) => b.name.length - a.name.length);
    if (!port) return null;
    const size = plain(port.name).length + 1;
    const own = isFirst ? stem.slice(start + size) : stem.slice(start, stem.length - size);
    return own === '' ? null : { port, sample: stem.slice(0, start) + own };
  };
}

const ways: readonly { readonly how: string; readonly way: Way }[] = [
  { how: 'a folder for each input', way: inFolder },
  { how: 'a folder for each sample, files named after inputs', way: wholeName },
  { how: 'names of inputs at the end of file names', way: atEnd(false) },
  { how: 'names of inputs at the beginning of file names', way: atEnd(true) },
];

/** The way of naming that most inputs have files by; null where files are named after none, or, but for folders, after one of several.
 *  @param ports  those that need files first  @param needed  how many of them do */
export function filesByInput(
  files: readonly DataFile[],
  ports: readonly Port[],
  needed: number,
): FilesByInput | null {
  let best: FilesByInput | null = null;
  for (const { how, way } of ways) {
    const found = grouped(files, ports, how, way);
    const least = way === inFolder ? 1 : Math.min(2, needed);
    if (found.files.size >= least && found.files.size > (best?.files.size ?? 0)) best = found;
  }
  return best;
}

function grouped(files: readonly DataFile[], ports: readonly Port[], how: string, way: Way): FilesByInput {
  const found = new Map<Port, Map<string, DataFile>>();
  const samples = new Set<string>();
  const rest: DataFile[] = [];
  let twice: FilesByInput['twice'] = null;
  for (const file of files) {
    const named = way(file, ports);
    if (!named) {
      rest.push(file);
      continue;
    }
    const { port, sample } = named;
    const own = found.get(port) ?? new Map<string, DataFile>();
    const other = own.get(sample);
    if (other) twice ??= [other, file];
    found.set(port, own.set(sample, file));
    samples.add(sample);
  }
  const sorted = [...samples].sort((a, b) => (a < b ? -1 : 1));
  return { samples: sorted, files: found, twice, rest, how };
}
