/** Labels of pictures other than one class each: boxes, or a class for every place. */
import type { OwnClasses } from '../classes.ts';
import type { Label } from '../label.ts';
import type { Geometry } from '../pixels.ts';

/** How a picture became what the model sees. */
export interface Placement {
  /** Of the picture, upright. */
  readonly width: number;
  readonly height: number;
  readonly geometry: Geometry;
}

/** What is right for one picture. */
export interface Annotation {
  /** Tells its content. */
  digest(): Promise<string>;
  read(placement: Placement): Promise<Exclude<Label, number>>;
}

export interface Annotations {
  readonly kind: 'boxes' | 'masks';
  /** Names by index, where they are known. */
  readonly classes: readonly string[] | null;
  /** Where they come from, and what was assumed, in words. */
  readonly how: string;
  /** Of each picture, in the order of the pictures. */
  readonly entries: readonly Annotation[];
}

/** Where labels lie, and what is known of their classes. */
export interface Places {
  /** A file or folder that somebody named; what is wrong with it is an error. */
  readonly given?: string | undefined;
  /** A file of COCO's that lies in the data folder. */
  readonly found?: string | undefined;
  /** Names of the model's classes by index, where it says them. */
  readonly own?: OwnClasses;
  readonly notes: string[];
}
