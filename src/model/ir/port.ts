/** An input or output of a model as its users see it. */
import { labelsOf, preprocessingOf } from './card.ts';
import type { DType } from './dtype.ts';
import { dtypeOf, type Graph, type Model, shapeOf, type Value } from './model.ts';
import { type Steps, stepsBehind } from './steps.ts';
import type { Shape } from './type.ts';

export interface Port {
  readonly name: string;
  readonly dtype: DType;
  /** null also for scalars: onnxruntime's JavaScript does not tell them from tensors of unknown rank. */
  readonly shape: Shape | null;
  /** How a picture becomes this input, where the model says so; not checked yet. */
  readonly preprocessing?: unknown;
  /** What the integers of a quantised input stand for. */
  readonly steps?: Steps;
  /** Of an input: names of the classes that the model tells apart, in the order of its scores, where it says them. */
  readonly classes?: readonly string[] | undefined;
}

const portOf = (v: Value): Port => ({ name: v.name, dtype: dtypeOf(v) ?? 'float32', shape: shapeOf(v) });

function stepsIn(v: Value): Pick<Port, 'steps'> {
  const dtype = dtypeOf(v);
  const steps = dtype === 'uint8' || dtype === 'int8' ? stepsBehind(v, 'DequantizeLinear') : null;
  return steps ? { steps } : {};
}

/** What a caller feeds; inputs that have a default are not asked for. */
export function portsOf(model: { graph: Pick<Graph, 'inputs'> } & Partial<Pick<Model, 'metadata'>>): Port[] {
  const { graph, metadata } = model;
  const preprocessing = metadata && preprocessingOf({ metadata });
  const classes = (metadata && labelsOf({ metadata })) ?? undefined;
  return graph.inputs
    .filter((v) => !v.constant)
    .map((v) => ({
      ...portOf(v),
      ...stepsIn(v),
      ...(preprocessing !== undefined && { preprocessing }),
      ...(classes && { classes }),
    }));
}

export const outputPortsOf = ({ graph }: { graph: Pick<Graph, 'outputs'> }): Port[] =>
  graph.outputs.map(portOf);
