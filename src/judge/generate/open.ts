/** Finds how a model generates from what its graph takes and gives. */
import type { Session } from '../../compute/engine/contract.ts';
import { type DecoderPorts, decoderPorts } from '../../data/text/decoder-ports.ts';
import { encoderRequired, generationOption, promptEmpty } from '../../support/diagnostics/generation.ts';
import { cacheDecoder } from './cache.ts';
import type { Decoder } from './decoder.ts';
import { encoderDecoder, jointDecoder } from './encoder-decoder.ts';
import { recurrentDecoder } from './recurrent.ts';
import { windowDecoder } from './window.ts';

export interface DecoderOptions {
  /** The other half of an encoder–decoder pair. */
  readonly encoder?: Session | undefined;
  /** Most tokens that the model sees at once; positionLimit(model) finds it. Without it nothing is cut off, and a
   *  model that can't read more fails with ENGINE_RUN. */
  readonly maxLength?: number | null | undefined;
  /** The same for the source that the encoder reads. */
  readonly maxSource?: number | null | undefined;
  /** What an encoder–decoder's text begins with (default: [0], T5's pad token). */
  readonly startTokens?: readonly number[] | undefined;
}

/** A decoder over sessions that the caller keeps and closes.
 *  @example
 *  const engine = await openEngine();
 *  const decoder = openDecoder(await engine.open('gpt2.onnx'));
 *  @throws NOT_A_DECODER, DECODER_INPUT_UNKNOWN for a graph that can't generate, with what it lacks;
 *    ENCODER_REQUIRED, ENCODER_UNUSED, NOT_AN_ENCODER; GENERATION_OPTION */
export function openDecoder(session: Session, options: DecoderOptions = {}): Decoder {
  const ports = decoderPorts(session);
  const { encoder, maxLength = null, maxSource = null, startTokens = [0] } = options;
  for (const [name, n] of Object.entries({ maxLength, maxSource }))
    if (n !== null && !(Number.isInteger(n) && n > 0)) throw generationOption(name, 'a number from 1 up', n);
  return guarded(
    encoder
      ? encoderDecoder(encoder, session, ports, { maxLength, maxSource, startTokens })
      : ports.source
        ? jointDecoder(session, ports, ports.source, { maxLength, maxSource, startTokens })
        : alone(session, ports, maxLength),
  );
}

function alone(session: Session, ports: DecoderPorts, maxLength: number | null): Decoder {
  if (ports.encoderStates) throw encoderRequired(ports.encoderStates.name);
  const kinds = new Set(ports.states.map((s) => s.kind));
  if (kinds.has('cache')) return cacheDecoder(session, ports, maxLength);
  return kinds.has('recurrent') ? recurrentDecoder(session, ports) : windowDecoder(session, ports, maxLength);
}

/** What every kind asks of its callers: tokens to begin with, rows of one length. */
const guarded = (decoder: Decoder): Decoder => ({
  ...decoder,
  async start(prompts) {
    const length = prompts[0]?.length ?? 0;
    if (length === 0) throw promptEmpty();
    if (prompts.some((p) => p.length !== length))
      throw new RangeError('Prompts of one call have one length.');
    return decoder.start(prompts);
  },
});
