/** k shared values a tensor (a palette): W[i] = palette[index[i]], computed when a runtime loads the model.
 *    Gather(palette float[k], Cast(index uint8|uint4 → int32))
 *  Weights take 8 or 4 bits in the file and are float32 when the model runs: smaller to transfer, exactly as fast, in any
 *  onnxruntime (it folds the two nodes at load; measured on wasm and natively). 16 values are stored as uint4 from
 *  opset 21 on, else as uint8, which Brotli brings to the same size.
 *  It belongs after pruning and instead of int8; zeros of pruning stay zeros. Passes after it don't see these weights.
 *  Left alone: biases and scales, weights under `minElements`, and where the error would be above `maxError`.
 *  Source: Han et al. 2016, arXiv:1510.00149. */
import { z } from 'zod';
import { filledBy } from '../src/compress/pipeline/option-fields.ts';
import { counted, definePass, type Skip } from '../src/compress/pipeline/pass.ts';
import { makePalette, type Palette } from '../src/compress/prune/palette.ts';
import { findWeightLayers } from '../src/compress/prune/unstructured-layers.ts';
import { selectNodes } from '../src/compress/quant/name-patterns.ts';
import { addInitializer, addNode, removeInitializer, replaceAllUses } from '../src/model/ir/edit.ts';
import { constantOf, type Model, type Node, opset, type Value } from '../src/model/ir/model.ts';
import { elementCount, float32Values, type Tensor, tensorOf } from '../src/model/ir/tensor.ts';
import { tensorType } from '../src/model/ir/type.ts';
import { graphsOf } from '../src/model/ir/walk.ts';
import { weightsOf } from '../src/model/ops/weights.ts';
import { formatPercent } from '../src/support/units.ts';

const options = z.strictObject({
  /** Values a tensor. */
  k: filledBy(z.number().int().min(2).max(256).default(16), 'cluster'),
  /** Embedding tables too. */
  embeddings: z.boolean().default(true),
  /** Largest error of a tensor relative to its magnitude, both root mean square. */
  maxError: z.number().min(0).default(1),
  minElements: z.number().int().min(0).default(1024),
  include: z.array(z.string()).default([]),
  exclude: z.array(z.string()).default([]),
});

type Options = z.infer<typeof options>;

export const clusterWeights = definePass<Options>({
  name: 'cluster-weights',
  summary: 'Weights share k values: 4 or 8 bits each in the file, float32 when it runs',
  effect: 'lossy',
  stores: { form: 'palette', of: ['convolutions', 'matrix products', 'recurrent networks', 'embeddings'] },
  describe: counted('weight of shared values', 'weights of shared values'),
  prominence: 10,
  options,

  apply(model, o) {
    const selected = selectNodes(model, o);
    const skipped: Skip[] = [];
    let changed = 0;
    for (const { value, node, name } of candidates(model, o)) {
      const reason = obstacle(value, o) ?? (selected(node) ? null : 'excluded');
      const palette = reason ? null : makePalette(float32Values(value.constant as Tensor), o.k);
      const refused =
        palette && palette.error > o.maxError ? `error-too-large: ${formatPercent(palette.error)}` : reason;
      if (!palette || refused) skipped.push({ at: name, reason: refused as string });
      else {
        store(model, value, palette);
        changed++;
      }
    }
    return { changed, skipped };
  },
});

interface Candidate {
  readonly value: Value;
  readonly node: Node;
  readonly name: string;
}

function candidates(model: Model, o: Options): Candidate[] {
  const layers: Candidate[] = findWeightLayers(model);
  const tables = o.embeddings ? model.graph.nodes.flatMap(tablesOf) : [];
  return [...new Map([...layers, ...tables].map((c) => [c.value, c])).values()];
}

/** Tables of embeddings that a node looks its rows up in. */
function tablesOf(node: Node): Candidate[] {
  const found = weightsOf(node, 'palette');
  const tables = found.kind === 'known' ? found.weights.filter(({ role }) => role === 'table') : [];
  return tables.flatMap(({ index }) => {
    const value = node.inputs[index];
    const tensor = constantOf(value);
    const isTable = tensor?.dtype === 'float32' && tensor.dims.length === 2;
    return value && isTable ? [{ value, node, name: node.name || value.name }] : [];
  });
}

function obstacle(value: Value, o: Options): string | null {
  const { dims } = value.constant as Tensor;
  if (elementCount(dims) < o.minElements) return `small-weight: ${elementCount(dims)} elements`;
  return value.uses.some((u) => u.graph) ? 'graph-output' : null;
}

function store(model: Model, value: Value, { values, indices }: Palette): void {
  const owner = [...graphsOf(model)].find((g) => g.initializers.has(value)) ?? model.graph;
  const { dims } = value.constant as Tensor;
  const small = values.length <= 16 && (opset(model) || opset(model, 'ai.onnx')) >= 21;
  const { name } = value;
  const palette = addInitializer(owner, `${name}/palette`, tensorOf('float32', [values.length], values));
  const index = addInitializer(owner, `${name}/index`, tensorOf(small ? 'uint4' : 'uint8', dims, indices));
  const at = owner.nodes[0];
  const wide = addNode(
    owner,
    { opType: 'Cast', name: `${name}/places`, inputs: [index], attributes: { to: 6 } },
    at,
  ).outputs[0] as Value;
  wide.type = tensorType('int32', dims);
  const whole = addNode(
    owner,
    { opType: 'Gather', name: `${name}/look_up`, inputs: [palette, wide], attributes: { axis: 0 } },
    at,
  ).outputs[0] as Value;
  whole.type = tensorType('float32', dims);
  replaceAllUses(value, whole);
  removeInitializer(owner, value);
}
