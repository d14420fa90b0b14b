/** What is right for a sample. */

/** The index of its class, or what is where in its picture. */
export type Label = number | BoxLabels | MaskLabels;

export interface BoxLabels {
  readonly kind: 'boxes';
  readonly boxes: readonly LabelledBox[];
}

/** Corners in pixels of the picture as the model sees it. */
export interface LabelledBox {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
  /** Index among the classes that labels name, or among the model's where they have its names. */
  readonly label: number;
  /** The number that labels themselves have for the class. */
  readonly id: number;
  /** Neither right nor wrong to find: crowds, and what is mostly cut off. */
  readonly isIgnored: boolean;
}

export interface MaskLabels {
  readonly kind: 'mask';
  /** Of the picture as the model sees it. */
  readonly height: number;
  readonly width: number;
  /** The class of each place, row by row; 255: it does not count. */
  readonly classes: Uint8Array;
}

/** Of a mask: places that do not count. */
export const unlabelledPlace = 255;

export const classOf = (label: Label | undefined): number | undefined =>
  typeof label === 'number' ? label : undefined;

/** In a few words. */
export function describeLabel(label: Exclude<Label, number>): string {
  if (label.kind === 'mask') return 'a mask';
  const count = label.boxes.filter(({ isIgnored }) => !isIgnored).length;
  return count === 1 ? '1 box' : `${count} boxes`;
}
