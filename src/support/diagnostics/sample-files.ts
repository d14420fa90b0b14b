/** Messages of files that hold samples: which sample and input each is for, and numbers without a header. */
import { user } from '../diagnostics.ts';
import { formatInteger } from '../units.ts';

/** @param missing  "0003 has none for \"b\"" */
export const partnersMissing = (source: string, missing: readonly string[], samples: number) =>
  user(
    'PARTNERS_MISSING',
    `${source} needs a file for each input of each sample; ${formatInteger(missing.length)} of ${formatInteger(samples)} samples lack some: ` +
      `${missing.slice(0, 5).join('; ')}${missing.length > 5 ? '; …' : ''}.`,
    'Add the files, or remove what is there of these samples. Files of one sample have the same name in each folder: a/1.npy and b/1.npy.',
  );

export const partnersTwice = (source: string, one: string, other: string) =>
  user(
    'PARTNERS_TWICE',
    `${source} has two files for one input of one sample: ${one} and ${other}.`,
    'Remove one of them.',
  );

export const windowsOfInput = (file: string, windows: number, input: string) =>
  user(
    'PARTNER_TOO_LONG',
    `${file} gives ${windows} windows for input "${input}"; beside other inputs a recording is one sample.`,
    'Cut the recordings to the length that the model takes, or pass a .npz with an array for each input.',
  );

export const binShape = (file: string, input: string, takes: string) =>
  user(
    'BIN_SHAPE',
    `${file} has no shape of its own, and input "${input}" (${takes}) does not say how large a sample is.`,
    'Write the samples as .npy, which tells its shape: np.save("x.npy", x).',
  );

export const binSize = (
  file: string,
  sizeBytes: number,
  expected: {
    readonly input: string;
    readonly takes: string;
    readonly dtype: string;
    readonly step: number;
    readonly fitting: readonly string[];
  },
) =>
  user(
    'BIN_SIZE',
    `A sample of input "${expected.input}" (${expected.takes}) has ${formatInteger(expected.step)} bytes as ${expected.dtype}; ` +
      `${file} has ${formatInteger(sizeBytes)}, which is no whole number of samples.`,
    expected.fitting.length > 0 && sizeBytes > 0
      ? `Say the type of its numbers: --dtype ${expected.fitting.join(', ')} would fit. A file with a header is none of numbers alone.`
      : 'Write the numbers alone, without a header, of whole samples; or write .npy.',
  );

export const binType = (file: string, dtype: string) =>
  user(
    'BIN_TYPE',
    `${file} was taken for ${dtype}, the type of the input, and then holds numbers that are not finite or beyond 10³⁰.`,
    'Say the type of its numbers with --dtype, such as --dtype int8.',
  );

/** @param encoding  as iconv calls it */
export const textEncoding = (file: string, encoding: 'UTF-16LE' | 'UTF-16BE' | 'ISO-8859-1') =>
  user(
    'TEXT_ENCODING',
    `Text is read as UTF-8; ${file} is ${encoding === 'ISO-8859-1' ? 'none, and by its bytes probably Latin-1 or Windows-1252' : `${encoding}, as Windows writes it`}.`,
    `Convert it: iconv -f ${encoding === 'ISO-8859-1' ? 'WINDOWS-1252' : encoding.slice(0, 6)} -t UTF-8 in.txt > out.txt`,
  );
