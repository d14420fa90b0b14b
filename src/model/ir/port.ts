/** An input or output of a model as its users see it. */
import type { DType } from './dtype.ts';
import type { Shape } from './type.ts';

export interface Port {
  readonly name: string;
  readonly dtype: DType;
  /** null also for scalars: onnxruntime's JavaScript does not tell them from tensors of unknown rank. */
  readonly shape: Shape | null;
}
