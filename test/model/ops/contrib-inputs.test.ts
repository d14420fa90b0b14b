/** Rows of operators that are not ONNX's own against the names that onnxruntime gives their inputs. contrib-inputs.json
 *  is what onnxruntime 1.32 (Python: capi.onnxruntime_pybind11_state.get_all_operator_schema()) lists: inputs in order. */
import { describe, expect, it } from 'vitest';
import type { Node } from '../../../src/model/ir/model.ts';
import { type WeightRole, weightRows } from '../../../src/model/ops/weights.ts';
import inputsOf from './contrib-inputs.json' with { type: 'json' };

const names: Readonly<Record<string, readonly string[]>> = inputsOf;

const rolesAt = (key: string): ReadonlyMap<number, WeightRole> => {
  const row = weightRows[key];
  const node = { inputs: names[key]!.map(() => null), attributes: new Map() } as unknown as Node;
  return new Map(row?.kind === 'weights' ? row.inputs(node).map(({ index, role }) => [index, role]) : []);
};

/** What a name says of an input. Ends of names, so that input_scale and b_zero_point are among them. */
const telling: readonly [RegExp, readonly WeightRole[]][] = [
  [/(^|_)(scales?|zero_points?|absmax|scale[ABY])$/i, ['quantizer']],
  [/(^|_)weights?$/, ['product', 'packed', 'table']],
  [/_experts_weights$|_embedding_quant$/, ['product', 'packed']],
  [/(word|position|segment)_embedding$/, ['table', 'packed']],
  [/^(gamma|beta|head_sink|[qk]_norm_weight|norm_scale)$/, ['parameter']],
  [/^(input_)?(mean|var)$/, ['statistic']],
  [/(^|_)bias$/i, ['bias']],
];

/** Scores that are added to attention, and normalisation whose scale is no quantizer's. */
const otherwise: Readonly<Record<string, WeightRole | null>> = {
  attention_bias: null,
  router_weights: null,
  norm_scale: 'parameter',
  q_norm_weight: 'parameter',
  k_norm_weight: 'parameter',
};

const normalisations = ['GatedRMSNorm', 'BatchNormalization', 'InstanceNormalization'];

function wanted(key: string, name: string): readonly WeightRole[] | null {
  if (Object.hasOwn(otherwise, name)) return otherwise[name] ? [otherwise[name]] : null;
  if (name === 'scale' && normalisations.some((op) => key.endsWith(op))) return ['parameter'];
  // Scales of a resampling; the gate of a linear attention.
  if (key.endsWith('Resize') || key.endsWith(':LinearAttention')) return null;
  return telling.find(([pattern]) => pattern.test(name))?.[1] ?? null;
}

describe('rows of com.microsoft operators', () => {
  it('are of operators that onnxruntime has', () => {
    const own = Object.keys(weightRows).filter((key) => key.startsWith('com.'));
    expect(own.filter((key) => !Object.hasOwn(names, key))).toEqual([]);
  });

  it('say of every input what its name says', () => {
    const wrong = Object.entries(names).flatMap(([key, inputs]) => {
      const roles = rolesAt(key);
      return inputs.flatMap((name, i) => {
        const can = wanted(key, name);
        return can && !can.includes(roles.get(i) as WeightRole)
          ? [`${key} ${i} ${name}: ${roles.get(i)}`]
          : [];
      });
    });
    expect(wrong).toEqual([]);
  });

  it('point at inputs that the operator has', () => {
    const past = Object.entries(names).flatMap(([key, inputs]) =>
      [...rolesAt(key).keys()].flatMap((i) => (i >= inputs.length ? [`${key} ${i}`] : [])),
    );
    expect(past).toEqual([]);
  });
});
