/** Where samples come from. A source knows how many it has and reads any of them on demand; it never holds
 *  them all. */
import type { Tensor } from '../model/ir/tensor.ts';

export interface Sample {
  /** What a person would call it: a file name, "array[12]". */
  readonly id: string;
  /** One tensor for each model input, batch dimension 1 included. */
  readonly inputs: Readonly<Record<string, Tensor>>;
  /** Class index for classification; absent when unlabelled. */
  readonly label?: number | undefined;
  /** What training aims at where one class index does not say it: int64 [1, …] a class at every position, −100 where
   *  none counts, or float32 [1, …]. */
  readonly target?: Tensor | undefined;
}

export interface DataSource {
  /** For people: "photos/ (500 images)". */
  readonly name: string;
  readonly kind: 'images' | 'npy' | 'npz' | 'synthetic';
  readonly length: number;
  readonly labelled: boolean;
  /** Whether samples have a `target`. */
  readonly targeted?: boolean;
  /** Why labels that were found are not used; absent where there were none, or they are. */
  readonly labelsUnused?: string;
  /** Class names when known, by index. */
  readonly classes: readonly string[] | null;
  /** What was assumed rather than told, in plain words ("layout NCHW, from input shape [1,3,224,224]"). */
  readonly guessed: readonly string[];
  /** Samples that were left out since they can't be read, where that was allowed. */
  readonly leftOut?: readonly string[];
  /** How pictures become numbers, for report and bundle; null when samples are used as stored. */
  readonly preprocessing: Readonly<Record<string, unknown>> | null;
  /** Whether that was guessed, since nobody named it. Default: false. */
  readonly preprocessingGuessed?: boolean;
  /** On how many labelled samples the guess was then found to be the best of its kind; absent where it wasn't tried. */
  readonly preprocessingTriedOn?: number;
  /** Identifies content and preprocessing: equal hashes give equal samples. */
  hash(): Promise<string>;
  read(index: number): Promise<Sample>;
  /** Refuses, before any work is done, where one of these samples can't be read. @throws BAD_IMAGES */
  check?(indices: readonly number[]): Promise<void>;
  /** The label alone, without decoding the sample; undefined when unlabelled. */
  label?(index: number): number | undefined;
  /** Identifies the stored content of one sample, so that copies of it never stand on both sides of a
   *  split. */
  fingerprint?(index: number): Promise<string>;
  /** A small picture (PNG data URL) of a sample for the report, where there is one. */
  picture?(index: number): Promise<string | null>;
}

/** Indices for calibrating and for evaluating; disjoint by construction. */
export interface Split {
  readonly calibration: readonly number[];
  readonly evaluation: readonly number[];
}
