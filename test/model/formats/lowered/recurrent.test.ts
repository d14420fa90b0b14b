/** What no writer has a form for in LSTM, GRU and RNN is refused, never written as something else. */
import { describe, expect, it } from 'vitest';
import { writeGraphModel } from '../../../../src/model/formats/tfjs/write/write.ts';
import { writeTflite } from '../../../../src/model/formats/tflite/write/write.ts';
import { type AttributeInit, floats } from '../../../../src/model/ir/attribute.ts';
import type { Model } from '../../../../src/model/ir/model.ts';
import { tensorOf } from '../../../../src/model/ir/tensor.ts';
import { normalTensor } from '../../../run-model.ts';
import { modelOf } from '../tfjs/write/cases.ts';

const rnn = (attributes: Readonly<Record<string, AttributeInit>>, lengths?: readonly number[]): Model =>
  modelOf({
    ...{ name: 'refused', op: 'RNN', x: normalTensor([5, 2, 3], 1) },
    rest: [
      normalTensor([1, 4, 3], 2),
      normalTensor([1, 4, 4], 3),
      normalTensor([1, 8], 4),
      lengths ? tensorOf('int32', [lengths.length], lengths) : null,
    ],
    attributes: { hidden_size: 4, ...attributes },
  });

const refused: readonly (readonly [string, Model, RegExp])[] = [
  ['the slope of Elu', rnn({ activations: ['Elu'], activation_alpha: floats([0.5]) }), /elu/],
  ['the shift of HardSigmoid', rnn({ activations: ['HardSigmoid'], activation_beta: floats([0.1]) }), /hard/],
  ['an activation of another name', rnn({ activations: ['Affine'] }), /affine/],
  ['a name that all objects have', rnn({ activations: ['constructor'] }), /constructor/],
  ['a clip value', rnn({ clip: { type: 'float', value: 1 } }), /clips/],
  ['sequences that end earlier', rnn({}, [5, 3]), /lengths/],
];

describe.each([
  ['TFJS_OPERATOR', writeGraphModel],
  ['TFLITE_OPERATOR', writeTflite],
] as const)('%s', (code, write) => {
  it.each(refused)('%s', (_, model, message) => {
    expect(() => write(model)).toThrow(
      expect.objectContaining({ code, message: expect.stringMatching(message) }),
    );
  });

  it('names whose attributes say nothing, and lengths of all steps, are written', () => {
    const model = rnn({ activations: ['Relu'], activation_alpha: floats([0.5]) }, [5, 5]);
    expect(() => write(model)).not.toThrow();
  });
});
