/** Damaged models have nodes with too few inputs, and inputs with too few axes: then a type is not known, and nothing breaks. */
import { expect, it } from 'vitest';
import { addInput, addNode, createModel, createValue } from '../../../src/model/ir/edit.ts';
import { type Dim, tensorType } from '../../../src/model/ir/type.ts';
import { shapeRules } from '../../../src/model/ops/shapes/rules.ts';
import { inferShapes } from '../../../src/model/ops/shapes.ts';

const opsets = new Map([
  ['', 17],
  ['com.microsoft', 1],
]);

/** One node of each operator, all of whose inputs have the same size along each of `rank` axes. */
function inferAll(rank: number, inputCount: number, size: Dim) {
  const model = createModel({ opsets });
  const type = tensorType('float32', Array<Dim>(rank).fill(size));
  const inputs = Array.from({ length: inputCount }, (_, i) =>
    addInput(model.graph, createValue(model.names, `x${i}`, type)),
  );
  for (const key of Object.keys(shapeRules)) {
    const [opType, domain] = key.split(':').reverse();
    addNode(model.graph, { opType: opType!, domain: domain ?? '', inputs, outputs: 2 });
  }
  inferShapes(model);
  return model.graph.nodes.flatMap((node) =>
    node.outputs
      .filter(
        (y) => y?.type?.kind === 'tensor' && y.type.shape?.some((d) => d === undefined || Number.isNaN(d)),
      )
      .map(() => node.opType),
  );
}

it.each([0, 1, 2, 3, 4, 5])('every operator takes inputs of %i axes, whatever it needs', (rank) => {
  for (const inputCount of [0, 1, 3, 8])
    for (const size of [3, 'n']) expect(inferAll(rank, inputCount, size)).toEqual([]);
});
