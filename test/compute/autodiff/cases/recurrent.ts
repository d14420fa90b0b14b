import type { Value } from '../../../../src/model/ir/model.ts';
import { tensorOf } from '../../../../src/model/ir/tensor.ts';
import { createRandom } from '../../../../src/support/random.ts';
import type { GradientCase } from '../check-gradient.ts';

type Attributes = Readonly<Record<string, string | number | readonly string[]>>;

const [steps, batch, size, hidden] = [4, 2, 3, 3];
const gates = { LSTM: 4, GRU: 3, RNN: 1 } as const;
type Cell = keyof typeof gates;

/** Shapes of X, W, R, B, initial_h and, of an LSTM, initial_c. */
function inputs(op: Cell, directions = 1): number[][] {
  const rows = gates[op] * hidden;
  const state = [directions, batch, hidden];
  return [
    [steps, batch, size],
    [directions, rows, size],
    [directions, rows, hidden],
    [directions, 2 * rows],
    state,
    ...(op === 'LSTM' ? [state] : []),
  ];
}

/** Small numbers but for the bias, which makes every unit's sum clearly positive or negative: no step crosses the kink. */
function awayFromZero(shapes: readonly number[][]) {
  const random = createRandom(11);
  return shapes.map((dims, input) => {
    const count = dims.reduce((a, b) => a * b, 1);
    const value = (i: number) => (input === 3 ? (i % 3 === 0 ? -1 : 1) : 0.2 * random.normal());
    return tensorOf(
      'float32',
      dims,
      Float32Array.from({ length: count }, (_, i) => value(i)),
    );
  });
}

const cell =
  (op: Cell, attributes: Attributes = {}, outputs = op === 'LSTM' ? 3 : 2): GradientCase['build'] =>
  (e, ...given) => {
    const [x, w, r, b = null, h = null, c = null] = given;
    const all = [x as Value, w as Value, r as Value, b, null, h, ...(op === 'LSTM' ? [c] : [])];
    return e.ops(op, all, outputs, { hidden_size: hidden, ...attributes });
  };

// PyTorch's gates stand in another order: LSTM i f g o for i o f c, GRU r z n for z r h.
const order = { LSTM: '[0, 2, 3, 1]', GRU: '[1, 0, 2]', RNN: '[0]' };
const call = { LSTM: 'torch.lstm', GRU: 'torch.gru', RNN: 'torch.rnn_tanh' };

/** y, h (and c) of PyTorch's cell in ONNX's shapes, over X, W, R, B and the states as x0 … */
function torch(op: Cell, directions = 1, name = call[op]): string {
  const rows = gates[op] * hidden;
  const weights = Array.from({ length: directions }, (_, d) =>
    [`x1[${d}]`, `x2[${d}]`, `x3[${d}][:${rows}]`, `x3[${d}][${rows}:]`].map((w) => `r(${w})`),
  );
  const state = op === 'LSTM' ? '(x4, x5)' : 'x4';
  const run = `${name}(x0, ${state}, [${weights.flat().join(', ')}], True, 1, 0.0, False, ${
    directions === 2 ? 'True' : 'False'
  }, False)`;
  const reorder = `lambda w: w.reshape(${gates[op]}, ${hidden}, -1)[${order[op]}].reshape(w.shape)`;
  const shape = `${steps}, ${batch}, ${directions}, ${hidden}`;
  return `(lambda r: (lambda y, *s: (y.reshape(${shape}).transpose(1, 2), *s))(*${run}))(${reorder})`;
}

export const recurrentCases: readonly GradientCase[] = [
  { name: 'LSTM', inputs: inputs('LSTM'), build: cell('LSTM'), torch: torch('LSTM') },
  {
    name: 'LSTM in both directions',
    inputs: inputs('LSTM', 2),
    build: cell('LSTM', { direction: 'bidirectional' }),
    torch: torch('LSTM', 2),
  },
  {
    name: 'LSTM backwards',
    inputs: inputs('LSTM'),
    build: cell('LSTM', { direction: 'reverse' }),
    torch: torch('LSTM')
      .replace('(x0,', '(x0.flip(0),')
      .replace(`.transpose(1, 2)`, `.transpose(1, 2).flip(0)`),
  },
  {
    name: 'LSTM of which only the last states are read, without bias and initial states',
    inputs: inputs('LSTM').slice(0, 3),
    build: (...args) => (cell('LSTM')(...args) as Value[]).slice(1),
  },
  {
    name: 'GRU with the reset before the product',
    inputs: inputs('GRU'),
    build: cell('GRU'),
  },
  {
    name: 'GRU in both directions with the reset before the product',
    inputs: inputs('GRU', 2),
    build: cell('GRU', { direction: 'bidirectional' }),
  },
  {
    name: 'GRU with the reset after the product',
    inputs: inputs('GRU'),
    build: cell('GRU', { linear_before_reset: 1 }),
    torch: torch('GRU'),
  },
  {
    name: 'GRU in both directions with the reset after the product',
    inputs: inputs('GRU', 2),
    build: cell('GRU', { linear_before_reset: 1, direction: 'bidirectional' }),
    torch: torch('GRU', 2),
  },
  {
    name: 'GRU with the reset after the product, without bias',
    inputs: inputs('GRU').slice(0, 3),
    build: cell('GRU', { linear_before_reset: 1 }, 1),
  },
  { name: 'RNN', inputs: inputs('RNN'), build: cell('RNN'), torch: torch('RNN') },
  {
    name: 'RNN with Relu in both directions',
    inputs: awayFromZero(inputs('RNN', 2)),
    build: cell('RNN', { direction: 'bidirectional', activations: ['Relu', 'Relu'] }),
    torch: torch('RNN', 2, 'torch.rnn_relu'),
  },
];
