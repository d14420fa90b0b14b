/** Where samples come from. A source knows how many it has and reads any of them on demand; it never holds
 *  them all. */
import type { Tensor } from '../model/ir/tensor.ts';
import type { Drawing } from './drawing.ts';
import type { Label } from './label.ts';

export interface Sample {
  /** What a person would call it: a file name, "array[12]". */
  readonly id: string;
  /** One tensor for each model input, batch dimension 1 included. */
  readonly inputs: Readonly<Record<string, Tensor>>;
  /** What is right: the index of a class, boxes, or a mask; absent when unlabelled. */
  readonly label?: Label | undefined;
  /** What training aims at where one class index does not say it: int64 [1, …] a class at every position, −100 where
   *  none counts, or float32 [1, …]. */
  readonly target?: Tensor | undefined;
}

/** Ways to prepare samples, tried on some that nothing is compared on. */
export interface PreprocessingTrial {
  /** What decided: labels, by the mean reciprocal rank of the right class; or how well the model tells samples apart, in nats that its
   *  prediction and the sample share. */
  readonly by: 'labels' | 'outputs';
  readonly samples: number;
  /** The usual one first; larger is better. */
  readonly scores: readonly { readonly preprocessing: string; readonly score: number }[];
}

export interface DataSource {
  /** For people: "photos/ (500 images)". */
  readonly name: string;
  /** 'files': of each input some of its own, of whatever kinds. */
  readonly kind: 'images' | 'npy' | 'npz' | 'bin' | 'files' | 'text' | 'sound' | 'synthetic';
  readonly length: number;
  /** Whether samples have a class each. */
  readonly labelled: boolean;
  /** What labels say that are no classes. */
  readonly annotated?: 'boxes' | 'masks';
  /** Whether samples have a `target`. */
  readonly targeted?: boolean;
  /** Why labels that were found are not used; absent where there were none, or they are. */
  readonly labelsUnused?: string;
  /** Class names when known, by index. */
  readonly classes: readonly string[] | null;
  /** Numbers of classes follow the alphabet: they are the model's only where the names are all of its classes. */
  readonly classesInOrder?: boolean;
  /** What was assumed rather than told, in plain words ("layout NCHW, from input shape [1,3,224,224]"). */
  readonly guessed: readonly string[];
  /** Samples that were left out since they can't be read, where that was allowed. */
  readonly leftOut?: readonly string[];
  /** How pictures become numbers, for report and bundle; null when samples are used as stored. */
  readonly preprocessing: Readonly<Record<string, unknown>> | null;
  /** Whether that was guessed, since nobody named it. Default: false. */
  readonly preprocessingGuessed?: boolean;
  /** How the guess was then found to be the best of its kind; absent where it wasn't tried. */
  readonly preprocessingTrial?: PreprocessingTrial;
  /** Whether samples hold text in which each token follows from those before it: stretches of it, or what is to be written of a source. */
  readonly isRunningText?: boolean;
  /** Identifies content and preprocessing: equal hashes give equal samples. */
  hash(): Promise<string>;
  read(index: number): Promise<Sample>;
  /** Refuses, before any work is done, where one of these samples can't be read. @throws BAD_IMAGES */
  check?(indices: readonly number[]): Promise<void>;
  /** The class alone, without decoding the sample; undefined when unlabelled. */
  label?(index: number): number | undefined;
  /** Identifies the stored content of one sample, so that copies of it never stand on both sides of a
   *  split. */
  fingerprint?(index: number): Promise<string>;
  /** Absent where samples stand alone. */
  readonly carried?: Carried;
  /** What a sample says in words, in short, where that can be said. */
  describe?(index: number): Promise<string | null>;
  /** A small picture (data URL) of a sample for the report, where there is one. With a drawing it shows what the model sees, and
   *  is large enough to look at. */
  picture?(index: number, drawing?: Drawing): Promise<string | null>;
}

/** Of models that hand states on from sample to sample: samples stand in stretches, at steps from 0 on. Samples as they are read have
 *  states of zeros; whoever runs the model feeds those of the step before. */
export interface Carried {
  readonly states: readonly { readonly input: string; readonly output: string }[];
  place(index: number): { readonly stretch: number; readonly step: number };
  readStep(stretch: number, step: number): Promise<Sample>;
}

/** Indices for calibrating and for evaluating; disjoint by construction. */
export interface Split {
  readonly calibration: readonly number[];
  readonly evaluation: readonly number[];
}
