/** Nodes that are more than a function of their inputs. */
import { tfjsMalformed } from '../../../../support/diagnostics/tfjs.ts';
import { lazyTensor } from '../../../ir/tensor.ts';
import { constantTensor } from '../graph/constant.ts';
import type { Structure } from '../graph/scope.ts';
import { asComplex } from './complex.ts';

const constant: Structure = {
  sources: () => [],
  convert({ program, e }, node) {
    const tensor = constantTensor(program, node);
    const at = e.at(node.op, node.name);
    if (tensor.dtype !== 'complex64') return [at.constant(tensor, node.name)];
    const parts = lazyTensor('float32', [...tensor.dims, 2], () => tensor.bytes());
    return [asComplex(at.constant(parts, node.name))];
  },
};

/** One that is no input of the model: inside of a function, say. */
const placeholder: Structure = {
  convert({ program }, node) {
    throw tfjsMalformed(program.file, `placeholder "${node.name}" is no input`);
  },
};

export const plainStructures: Readonly<Record<string, Structure>> = {
  Const: constant,
  Placeholder: placeholder,
};
