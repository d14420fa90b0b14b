/** Composed sound as a model takes it. */
import type { OpenedModel } from '../../model/formats/opened.ts';
import { isFloat } from '../../model/ir/dtype.ts';
import { tensorOf } from '../../model/ir/tensor.ts';
import { soundRate } from '../sound/open-sounds.ts';
import type { SoundInput } from '../sound/sound-input.ts';
import { drawSound } from './draw-sound.ts';
import type { Maker } from './maker.ts';

/** Samples where the graph leaves the length open: a second of speech, or a few periods where nothing says that it is sound. */
const open = { sound: 16000, wave: 64 };
const soundNames = /audio|wave|wav|speech|sound|pcm|input_values/i;

export function soundLength({ length, rate, port }: SoundInput): number {
  return length ?? (rate || soundNames.test(port.name) ? open.sound : open.wave);
}

/** What goes beside it is made elsewhere. */
export function soundMaker(input: SoundInput, opened: OpenedModel): Maker {
  const { port, axis } = input;
  const length = soundLength(input);
  const { sampleRate } = soundRate(input, { model: opened });
  const largest = isFloat(port.dtype) ? 1 : 32767;
  const dims = port.shape!.map((_, i) => (i === axis ? length : 1));
  return {
    what: `composed sound of ${length} samples`,
    make: (random, index) =>
      tensorOf(
        port.dtype,
        dims,
        drawSound(random, length, sampleRate, index).map((v) =>
          largest === 1 ? v : Math.round(v * largest),
        ),
      ),
  };
}
