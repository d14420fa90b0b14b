/** What is laid over the small picture of a sample. */
export interface Drawing {
  readonly kind: 'boxes' | 'mask';
  /** @returns RGBA, row by row, of a picture of this size that shows all that the model sees */
  paint(width: number, height: number): Uint8Array;
}
