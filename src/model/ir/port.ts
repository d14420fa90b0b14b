/** An input or output of a model as its users see it. */
import type { DType } from './dtype.ts';
import { dtypeOf, type Graph, shapeOf, type Value } from './model.ts';
import type { Shape } from './type.ts';

export interface Port {
  readonly name: string;
  readonly dtype: DType;
  /** null also for scalars: onnxruntime's JavaScript does not tell them from tensors of unknown rank. */
  readonly shape: Shape | null;
}

const portOf = (v: Value): Port => ({ name: v.name, dtype: dtypeOf(v) ?? 'float32', shape: shapeOf(v) });

/** What a caller feeds; inputs that have a default are not asked for. */
export const portsOf = ({ graph }: { graph: Pick<Graph, 'inputs'> }): Port[] =>
  graph.inputs.filter((v) => !v.constant).map(portOf);

export const outputPortsOf = ({ graph }: { graph: Pick<Graph, 'outputs'> }): Port[] =>
  graph.outputs.map(portOf);
