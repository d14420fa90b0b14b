/** Samples that nobody took, of a form that the model itself makes plausible: pictures are drawn, sound is composed, numbers have the scale
 *  that the graph takes off. Seeded: a model gets the same samples at every run. */
import type { OpenedModel } from '../../model/formats/opened.ts';
import { isFloat } from '../../model/ir/dtype.ts';
import { outputPortsOf, type Port, portsOf } from '../../model/ir/port.ts';
import { sha256Text } from '../../support/hash.ts';
import { createRandom } from '../../support/random.ts';
import { pictureInput } from '../picture-input.ts';
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

export interface MadeUpOptions {
  /** Samples of each source. */
  readonly most: number;
  /** Whether some pictures are strokes on plain ground, which models that make pictures of pictures seldom see. Default: true. */
  readonly drawings?: boolean;
  readonly seed?: number;
}

/** Sources that differ in what is not known of the inputs, such as the range of pixels; the likeliest first, at least one.
 *  @throws SYNTHETIC_TYPE for inputs of strings and of unknown rank */
export function madeUpInputs(
  opened: OpenedModel,
  { most, drawings = true, seed = 0 }: MadeUpOptions,
): readonly DataSource[] {
  const ports = portsOf(opened.model);
  const sound = soundInput(ports, opened.model);
  const states = statesOf(opened, ports, sound);
  const inputs = ports.map((port) => ({
    port,
    ways: states.has(port.name) ? [constantMaker(port, 0)] : makersOf(port, { sound, opened, drawings }),
  }));
  const count = Math.max(1, ...inputs.map(({ ways }) => ways.length));
  return Array.from({ length: count }, (_, way) =>
    sourceOf(
      inputs.map(({ port, ways }) => ({ port, maker: ways[Math.min(way, ways.length - 1)]! })),
      { most, seed },
    ),
  );
}

/** Inputs that take what the run before gave, though an output may look like sound or a picture that came in; none where nothing else would
 *  be left. */
function statesOf(
  { model }: OpenedModel,
  ports: readonly Port[],
  sound: SoundInput | null,
): ReadonlySet<string> {
  const others = ports.filter((port) => port !== sound?.port && pictureInput(port)?.channels !== 3);
  const states = matchStates(others, outputPortsOf(model)).map(({ input }) => input.name);
  return new Set(states.length < ports.length ? states : []);
}

interface Context {
  readonly opened: OpenedModel;
  readonly sound: SoundInput | null;
  readonly drawings: boolean;
}

function makersOf(port: Port, { sound, opened, drawings }: Context): readonly Maker[] {
  const { model } = opened;
  if (port === sound?.rate) return [constantMaker(port, soundRate(sound, { model: opened }).sampleRate)];
  if (port === sound?.lengths) return [constantMaker(port, soundLength(sound))];
  if (port === sound?.mask) return [constantMaker(port, 1)];
  const flat = flatPictureMakers(port);
  if (flat.length > 0) return flat;
  if (port === sound?.port)
    return [soundMaker(sound, opened), ...(sound.length === null ? [] : numberMakers(port, model))];
  const limit = isFloat(port.dtype) ? null : integerLimit(model, port.name);
  if (limit !== null) return [integerMaker(port, limit)];
  const pictures = pictureMakers(port, model, drawings);
  if (pictures.length > 0) return isSmall(port) ? [...pictures, ...numberMakers(port, model)] : pictures;
  if (isFloat(port.dtype)) return numberMakers(port, model);
  return [integerMaker(port, null)];
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
