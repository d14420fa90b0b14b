/** Heavy arithmetic as small ONNX graphs run by the engine (ARCHITECTURE §1.7). A kernel that runs more than once
 *  is worth keeping open: opening takes about a millisecond, the arithmetic often less. The caller keeps and closes. */
import { sourceInPlace } from '../../model/formats/onnx/in-place.ts';
import type { AttributeInit } from '../../model/ir/attribute.ts';
import type { DType } from '../../model/ir/dtype.ts';
import {
  addInitializer,
  addInput,
  addNode,
  addOutput,
  createModel,
  createValue,
} from '../../model/ir/edit.ts';
import type { Model, Value } from '../../model/ir/model.ts';
import type { Tensor } from '../../model/ir/tensor.ts';
import { type Shape, tensorType } from '../../model/ir/type.ts';
import type { Engine, Session, SessionOptions } from './contract.ts';

export interface KernelBuilder {
  input(name: string, dtype: DType, shape: Shape): Value;
  constant(tensor: Tensor, name?: string): Value;
  /** First output of a new node. 'com.microsoft:Gelu' names an operator of another domain. */
  op(op: string, inputs: readonly (Value | null)[], attributes?: Attributes): Value;
  /** All outputs of a new node. */
  ops(op: string, inputs: readonly (Value | null)[], outputs: number, attributes?: Attributes): Value[];
  /** Makes `value` the graph output `name`; its shape is left to the runtime when not given. */
  output(name: string, value: Value, dtype: DType, shape?: Shape | null): void;
}

type Attributes = Readonly<Record<string, AttributeInit | undefined>>;

/** A model from a few lines of building. @param opset  of ai.onnx, 21 by default (block-wise Q/DQ, int4) */
export function buildKernel(build: (b: KernelBuilder) => void, opset = 21): Model {
  const model = createModel({ opsets: new Map([['', opset]]), irVersion: opset > 20 ? 10 : 8 });
  const { graph } = model;
  const ops: KernelBuilder['ops'] = (op, inputs, outputs, attributes = {}) => {
    const [opType = op, domain = ''] = op.split(':').reverse();
    if (domain) model.opsets.set(domain, 1);
    return addNode(graph, { opType, domain, inputs, outputs, attributes }).outputs as Value[];
  };
  build({
    input: (name, dtype, shape) =>
      addInput(graph, createValue(graph.names, name, tensorType(dtype, shape), true)),
    constant: (tensor, name = 'constant') => addInitializer(graph, name, tensor),
    op: (op, inputs, attributes) => ops(op, inputs, 1, attributes)[0] as Value,
    ops,
    output(name, value, dtype, shape = null) {
      const named = addNode(graph, {
        opType: 'Identity',
        inputs: [value],
        outputs: [createValue(graph.names, name, tensorType(dtype, shape), true)],
      });
      addOutput(graph, named.outputs[0] as Value);
    },
  });
  return model;
}

/** Encodes and opens a model of ours; its weights are not copied on the way. @throws ENGINE_OPEN */
export const openKernel = (engine: Engine, model: Model, options: SessionOptions = {}): Promise<Session> =>
  engine.open(sourceInPlace(model), options);

/** Weights that are worked on at once; bounds the memory that intermediate results take. */
export const chunkElements = 2 ** 21;
