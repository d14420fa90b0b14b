/** Pairs of an encoder and a decoder (T5, BART, Marian): the encoder reads the source once, the decoder, a window or a
 *  cached one, writes from the start token on with the encoder's states beside it. */
import type { Session } from '../../compute/engine/contract.ts';
import { type DecoderPorts, describePorts } from '../../data/text/decoder-ports.ts';
import { type EncoderPorts, encoderPorts } from '../../data/text/encoder-ports.ts';
import { encoderFeeds, fixedBatch, fixedLength, type TokenRows, tokenTensor } from '../../data/text/feeds.ts';
import type { Port } from '../../model/ir/port.ts';
import type { Tensor } from '../../model/ir/tensor.ts';
import { encoderUnused, notAnEncoder } from '../../support/diagnostics/generation.ts';
import { cacheDecoder } from './cache.ts';
import type { Decoder } from './decoder.ts';
import { recurrentDecoder } from './recurrent.ts';
import { type FixedFeeds, windowDecoder } from './window.ts';

export interface EncoderDecoderOptions {
  /** Most tokens of the decoder's text. */
  readonly maxLength: number | null;
  /** Most tokens of the source; longer ones lose their end. */
  readonly maxSource: number | null;
  /** What the decoder's text begins with: decoder_start_token_id, the pad token 0 for T5. */
  readonly startTokens: readonly number[];
}

/** @throws ENCODER_UNUSED when the decoder takes no encoder states; NOT_AN_ENCODER */
export function encoderDecoder(
  encoder: Session,
  decoder: Session,
  ports: DecoderPorts,
  { maxLength, maxSource, startTokens }: EncoderDecoderOptions,
): Decoder {
  const { encoderStates } = ports;
  if (!encoderStates) throw encoderUnused(decoder.inputs.map((p) => p.name));
  const reader = readerOf(encoder, encoderStates);

  const encode = async (sources: TokenRows): Promise<FixedFeeds> => {
    const width = fixedLength(reader.tokens);
    const most = Math.min(width ?? Number.POSITIVE_INFINITY, maxSource ?? Number.POSITIVE_INFINITY);
    const text = sources.map((r) => r.slice(0, most));
    const feeds = encoderFeeds(reader, text, { width: width ?? text[0]!.length });
    const states = (await encoder.run(feeds, [reader.states.name]))[reader.states.name]!;
    const seen = sourceFeeds(reader.tokens, ports.encoderMask, sources, maxSource).mask;
    return { [encoderStates.name]: states, ...(seen ? { [ports.encoderMask!.name]: seen } : {}) };
  };

  const inner = (fixed: FixedFeeds): Decoder => {
    const kinds = new Set(ports.states.map((s) => s.kind));
    if (kinds.has('cache')) return cacheDecoder(decoder, ports, maxLength, fixed);
    return kinds.has('recurrent')
      ? recurrentDecoder(decoder, ports, fixed)
      : windowDecoder(decoder, ports, maxLength, fixed);
  };

  return {
    kind: 'encoder-decoder',
    maxLength: inner({}).maxLength,
    maxBatch: fixedBatch(ports.tokens) ?? fixedBatch(reader.tokens),
    start: async (prompts) => inner(await encode(prompts)).start(prompts.map(() => startTokens)),
  };
}

/** Both halves in one graph (input_ids and decoder_input_ids → logits), as they are trained: each token costs a run of
 *  the encoder, too. */
export function jointDecoder(
  session: Session,
  ports: DecoderPorts,
  source: Port,
  { maxLength, maxSource, startTokens }: EncoderDecoderOptions,
): Decoder {
  const inner = (fixed: FixedFeeds) => windowDecoder(session, ports, maxLength, fixed);
  return {
    kind: 'encoder-decoder',
    maxLength: inner({}).maxLength,
    maxBatch: fixedBatch(ports.tokens) ?? fixedBatch(source),
    async start(prompts) {
      const { tokens, mask } = sourceFeeds(source, ports.encoderMask, prompts, maxSource);
      const fixed = { [source.name]: tokens, ...(mask ? { [ports.encoderMask!.name]: mask } : {}) };
      return inner(fixed).start(prompts.map(() => startTokens));
    },
  };
}

/** What an encoder reads: ids and, where asked for, ones where they are; both cut or filled up to a fixed length. */
function sourceFeeds(
  port: Port,
  maskPort: Port | null,
  sources: TokenRows,
  maxSource: number | null,
): { tokens: Tensor; mask: Tensor | null } {
  const fixedWidth = fixedLength(port);
  const most = Math.min(fixedWidth ?? Number.POSITIVE_INFINITY, maxSource ?? Number.POSITIVE_INFINITY);
  const text = sources.map((r) => r.slice(0, most));
  const length = text[0]!.length;
  const ones = text.map(() => new Array<number>(length).fill(1));
  const width = fixedWidth ?? length;
  return {
    tokens: tokenTensor(port, text, width),
    mask: maskPort && tokenTensor(maskPort, ones, width),
  };
}

interface Reader extends EncoderPorts {
  readonly states: Port;
}

function readerOf({ inputs, outputs }: Session, wanted: Port): Reader {
  const ports = encoderPorts(inputs);
  const fitting = outputs.filter(
    (p) => p.dtype === wanted.dtype && (p.shape === null || p.shape.length === 3),
  );
  const states = fitting.find((p) => /last_hidden_state|encoder/.test(p.name)) ?? fitting[0];
  if (!ports || !states || ports.others.length > 0)
    throw notAnEncoder(describePorts(inputs), describePorts(outputs), describePorts([wanted]).join());
  return { ...ports, states };
}
