/** Models that hand states on from sample to sample see, in each, what the steps before left: without it every sample would be the
 *  first of its recording. */
import type { Session } from '../compute/engine/contract.ts';
import type { DataSource } from '../data/source.ts';
import type { Tensor } from '../model/ir/tensor.ts';
import { feedsFor } from './run-pair.ts';

/** Steps that are run before a sample, at most: states forget. */
const mostBefore = 64;

type States = Readonly<Record<string, Tensor>>;

/** The source, whose samples have the states that the model gives over the steps before them; the same where there are none.
 *  @param session  the original model
 *  @param indices  samples that will be read; others keep states of zeros
 *  @throws what sources and engines throw */
export async function withCarriedStates(
  source: DataSource,
  indices: readonly number[],
  session: Session,
  signal?: AbortSignal,
): Promise<DataSource> {
  const { carried } = source;
  if (!carried) return source;
  const found = new Map<number, States>();
  const wanted = indices
    .map((index) => ({ index, ...carried.place(index) }))
    .sort((a, b) => a.stretch - b.stretch || a.step - b.step);
  let at = { stretch: -1, step: 0 };
  let states: States = {};
  for (const { index, stretch, step } of wanted) {
    const isFar = stretch !== at.stretch || step - at.step > mostBefore;
    if (isFar) {
      at = { stretch, step: Math.max(0, step - mostBefore) };
      states = {};
    }
    for (; at.step < step; at = { stretch, step: at.step + 1 }) {
      signal?.throwIfAborted();
      const { inputs, ...sample } = await carried.readStep(stretch, at.step);
      const outputs = await session.run(feedsFor(session, { ...sample, inputs: { ...inputs, ...states } }));
      states = Object.fromEntries(carried.states.map((s) => [s.input, outputs[s.output]!]));
    }
    found.set(index, states);
  }
  return {
    ...source,
    guessed: [...source.guessed, 'states from the model itself, over the steps before each sample'],
    async read(index) {
      const sample = await source.read(index);
      return { ...sample, inputs: { ...sample.inputs, ...found.get(index) } };
    },
  };
}
