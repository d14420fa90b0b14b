/** What a model format is to the rest of the program. One folder each, listed in index.ts. */

import type { TargetName } from '../../support/target.ts';
import type { Model } from '../ir/model.ts';
import type { TensorSource } from './onnx/tensors.ts';

/** Those that are written can be asked for with `--format`. */
export type FormatId = WrittenFormatId | 'ort';
export type WrittenFormatId = (typeof writtenFormatIds)[number];
export const writtenFormatIds = ['onnx', 'onnx-text', 'tflite', 'tfjs'] as const;

export interface ModelFormat {
  /** As messages and reports call it: "ONNX". */
  readonly name: string;
  /** As a request names it: "tfjs". */
  readonly id: FormatId;
  /** With their dot, the usual one first. */
  readonly extensions: readonly string[];
  /** Whether onnxruntime opens such a file as it is. It is handed all others as ONNX. */
  readonly runnable: boolean;
  /** Where such a file runs, for formats of one runtime. */
  readonly target?: TargetName;
  /** Its runtime folds no constants and norms when it loads a file: that is done before one is written. */
  readonly loadsUnfolded?: true;
  /** Whether a file is of this format: by its bytes, and by its name where the bytes don't say. */
  recognise(bytes: Uint8Array, path: string): boolean;
  /** @throws a diagnostic that says what is wrong with the file, or what in it can't be represented */
  read(bytes: Uint8Array, source: ReadSource): Model;
  /** The files that a model consists of besides its first, as the model names them: relative to its folder. */
  files(model: Model): readonly string[];
  /** What a file of a format that has several kinds of them is: "graph-model". */
  kind?(model: Model): string | null;
  /** Who made the file that was read, where the model's producer is who converted it. */
  makers?(model: Model): string | null;
  /** What `files` will say, known from the bytes of the first file alone, where reading needs the others to be there.
   *  Optional ones are of no harm where they are missing. */
  beside?(
    bytes: Uint8Array,
    name: string,
  ): { readonly needed: readonly string[]; readonly optional: readonly string[] };
  /** Absent where a format is only read. @returns the model's own file first */
  write?(model: Model, options: WriteOptions): readonly WrittenFile[];
}

/** What a reader may ask for beyond the bytes of the first file; in a web page as a rule nothing. */
export interface ReadSource extends TensorSource {
  /** How messages call the file: its path, as a rule. */
  readonly name: string;
  /** Names of the values that become the outputs, in place of those that the file says. A format that converts
   *  reads no further than them; others may leave it to `chooseOutputs`. */
  readonly outputs?: readonly string[] | undefined;
}

export interface WriteOptions {
  /** Of the first file; others are named after it. */
  readonly name: string;
  /** Weights beyond this go into a file of their own, where the format can have one. Default: 1.5 GB. */
  readonly externalAboveBytes?: number | undefined;
  /** Keep a batch open that the model leaves open, in a .tflite, which has a 1 by default. */
  readonly openBatch?: boolean | undefined;
  /** Is told in plain words what about the file is not as its model says or as one would expect. */
  readonly remark?: ((text: string) => void) | undefined;
}

export interface WrittenFile {
  readonly name: string;
  /** Where it is known before the content is made. */
  readonly sizeBytes?: number;
  /** The content in pieces, one after the other, so that a large model is never in memory as a whole. */
  pieces(): Iterable<Uint8Array>;
}
