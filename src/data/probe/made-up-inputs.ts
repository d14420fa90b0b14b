/** Samples that nobody took, of a form that the model itself makes plausible: pictures are drawn, sound is composed, numbers have the scale
 *  that the graph takes off. Seeded: a model gets the same samples at every run. */
import type { OpenedModel } from '../../model/formats/opened.ts';
import { isFloat } from '../../model/ir/dtype.ts';
import { outputPortsOf, type Port, portsOf } from '../../model/ir/port.ts';
import { sha256Text } from '../../support/hash.ts';
import { createRandom } from '../../support/random.ts';
import { soundRate } from '../sound/open-sounds.ts';
import { type SoundInput, soundInput } from '../sound/sound-input.ts';
import type { DataSource } from '../source.ts';
import { mixed } from '../synthetic.ts';
import { matchStates } from '../text/decoder-ports.ts';
import { integerLimit } from './integer-limits.ts';
import { numberMakers } from './made-up-numbers.ts';
import { flatPictureMakers, pictureMakers } from './made-up-pictures.ts';
import { soundLength, soundMaker } from './made-up-sound.ts';
import { constantMaker, integerMaker, type Maker } from './maker.ts';

/** Sources that differ in what is not known of the inputs, such as the range of pixels; the likeliest first, at least one.
 *  @param most  samples of each
 *  @throws SYNTHETIC_TYPE for inputs of strings and of unknown rank */
export function madeUpInputs(opened: OpenedModel, most: number, seed = 0): readonly DataSource[] {
  const ports = portsOf(opened.model);
  const states = statesOf(opened, ports);
  const content = ports.filter(({ name }) => !states.has(name));
  const sound = soundInput(content, opened.model);
  const inputs = ports.map((port) => ({
    port,
    ways: states.has(port.name) ? [constantMaker(port, 0)] : makersOf(port, sound, opened),
  }));
  const count = Math.max(1, ...inputs.map(({ ways }) => ways.length));
  return Array.from({ length: count }, (_, way) =>
    sourceOf(
      inputs.map(({ port, ways }) => ({ port, maker: ways[Math.min(way, ways.length - 1)]! })),
      { most, seed },
    ),
  );
}

/** Inputs that take what the run before gave; none where nothing else would be left. */
function statesOf({ model }: OpenedModel, ports: readonly Port[]): ReadonlySet<string> {
  const states = matchStates(ports, outputPortsOf(model)).map(({ input }) => input.name);
  return new Set(states.length < ports.length ? states : []);
}

function makersOf(port: Port, sound: SoundInput | null, opened: OpenedModel): readonly Maker[] {
  const { model } = opened;
  if (port === sound?.rate)
    return [constantMaker(port, soundRate(sound, { model: opened }).sampleRate)];
  if (port === sound?.lengths) return [constantMaker(port, soundLength(sound))];
  if (port === sound?.mask) return [constantMaker(port, 1)];
  const flat = flatPictureMakers(port);
  if (flat.length > 0) return flat;
  if (port === sound?.port)
    return [soundMaker(sound, opened), ...(sound.length === null ? [] : numberMakers(port, model))];
  const pictures = pictureMakers(port, model);
  if (pictures.length > 0) return isSmall(port) ? [...pictures, ...numberMakers(port, model)] : pictures;
  if (isFloat(port.dtype)) return numberMakers(port, model);
  return [integerMaker(port, integerLimit(model, port.name))];
}

/** Features in one plane look like a picture of one channel. */
const isSmall = ({ shape, dtype }: Port) => isFloat(dtype) && shape?.slice(1).includes(1) === true;

interface Part {
  readonly port: Port;
  readonly maker: Maker;
}

function sourceOf(parts: readonly Part[], { most, seed }: { most: number; seed: number }): DataSource {
  const told = [...new Set(parts.map(({ maker }) => maker.what))].filter((what) => what !== '');
  const name = told.join('; ') || 'numbers that are always the same';
  return {
    name,
    kind: 'synthetic',
    length: most,
    labelled: false,
    classes: null,
    guessed: [name],
    preprocessing: null,
    hash: () => sha256Text(JSON.stringify(['made-up', name, most, seed, parts.map(({ port }) => port)])),
    read: async (index) => ({
      id: `made-up[${index}]`,
      inputs: Object.fromEntries(
        parts.map(({ port, maker }, i) => [
          port.name,
          maker.make(createRandom(mixed(mixed(seed, index), i)), index),
        ]),
      ),
    }),
  };
}
