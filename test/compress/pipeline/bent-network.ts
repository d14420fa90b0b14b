/** A network of one number, which passes of tests change: how near its outputs stay follows from it. */
import { parseModel } from '../../../src/model/formats/onnx-text/index.ts';
import { floatAttribute } from '../../../src/model/ir/attribute.ts';
import type { Model } from '../../../src/model/ir/model.ts';

export const network = () =>
  parseModel(`<ir_version: 8, opset_import: ["" : 17]>
g (float[2] x) => (float[2] y) { y = LeakyRelu <alpha = 0.5> (x) }`);

export const alphaOf = (model: Model) => floatAttribute(model.graph.nodes[0]!, 'alpha', 0);
