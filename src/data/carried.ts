/** States that a model hands on from run to run, where samples leave them out: zeros first, then what the model gave over the samples
 *  before, in the same folder. */
import type { Model } from '../model/ir/model.ts';
import { outputPortsOf, type Port } from '../model/ir/port.ts';
import { pictureInput } from './picture-input.ts';
import type { Carried, Sample } from './source.ts';
import { isNamedAlike, matchStates, type State } from './text/decoder-ports.ts';
import { firstState } from './text/feeds.ts';

/** Inputs that a run gives for the next one; none where nothing else would be left to feed.
 *  @param model  undefined where the graph isn't at hand */
export function statesOf(ports: readonly Port[], model: Model | undefined): readonly State[] {
  if (!model) return [];
  // A picture that comes out as it went in is a result.
  const others = ports.filter((p) => p.shape?.length !== 4 || !pictureInput(p));
  const states = matchStates(others, outputPortsOf(model)).filter(({ kind }) => kind === 'recurrent');
  // What has the shape of an answer by chance is the input.
  const sure = states.length < ports.length ? states : states.filter(isNamedAlike);
  return sure.length < ports.length ? sure : [];
}

export const zeroStates = (states: readonly State[]) =>
  Object.fromEntries(states.map((state) => [state.input.name, firstState(state, 1)]));

export const describeStates = (states: readonly State[]): string =>
  `states that no file has, handed on from sample to sample: ${states.map(({ input }) => input.name).join(', ')}`;

/** @param folders  of every sample there is, in order: a stretch each
 *  @param chosen  of which samples are taken
 *  @param read  one of all that there are, with states of zeros */
export function carriedIn(
  states: readonly State[],
  folders: readonly string[],
  chosen: readonly number[],
  read: (at: number) => Promise<Sample>,
): Carried {
  const numbers = new Map([...new Set(folders)].map((folder, i) => [folder, i]));
  const stretches: number[][] = Array.from(numbers, () => []);
  const places = folders.map((folder, at) => {
    const stretch = numbers.get(folder)!;
    return { stretch, step: stretches[stretch]!.push(at) - 1 };
  });
  return {
    states: states.map(({ input, output }) => ({ input: input.name, output })),
    place: (index) => places[chosen[index]!]!,
    readStep: (stretch, step) => read(stretches[stretch]![step]!),
  };
}
