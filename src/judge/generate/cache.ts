/** Decoders with a key–value cache (past_key_values.0.key → present.0.key, [batch, heads, past, head size]): the first
 *  run reads the prompt with an empty past, each later run only the new tokens. The cache never leaves the tensors that
 *  the engine gave. When the text outgrows `maxLength`, its last half is read again. */
import type { Session } from '../../compute/engine/contract.ts';
import type { DecoderPorts } from '../../data/text/decoder-ports.ts';
import { filled, firstFeeds, fixedBatch, positionTensor, type TokenRows } from '../../data/text/feeds.ts';
import { elementCount, type Tensor } from '../../model/ir/tensor.ts';
import type { Decoder, Logits } from './decoder.ts';
import { logitsOf } from './logits.ts';
import type { FixedFeeds } from './window.ts';

type Past = Record<string, Tensor>;

export function cacheDecoder(
  session: Session,
  ports: DecoderPorts,
  maxLength: number | null,
  fixed: FixedFeeds = {},
): Decoder {
  const outputs = [ports.logits.name, ...ports.states.map((s) => s.output)];
  const room = maxLength ?? Number.POSITIVE_INFINITY;

  /** Feeds `rows` after `length` tokens that `past` holds. */
  const run = async (rows: TokenRows, past: Past, length: number): Promise<[Logits, Past]> => {
    const fed = rows[0]?.length ?? 0;
    const feeds = firstFeeds(ports, rows);
    if (length > 0) {
      const [batch] = feeds[ports.tokens.name]!.dims as [number];
      Object.assign(feeds, past);
      if (ports.mask) feeds[ports.mask.name] = filled(ports.mask, [batch, length + fed], 1);
      if (ports.positions) feeds[ports.positions.name] = positionTensor(ports.positions, batch, length, fed);
      if (ports.useCache) feeds[ports.useCache.name] = filled(ports.useCache, [1], 1);
    }
    const results = await session.run({ ...fixed, ...feeds }, outputs);
    const next: Past = {};
    for (const { input, output, kind } of ports.states) {
      const present = results[output]!;
      // What was made of the encoder's states is given once; later runs give it empty.
      const kept = kind === 'encoder' && elementCount(present.dims) === 0 ? past[input.name]! : present;
      next[input.name] = kept;
    }
    return [logitsOf(results[ports.logits.name]!), next];
  };

  return {
    kind: 'cache',
    maxLength,
    maxBatch: fixedBatch(ports.tokens),
    async start(prompts) {
      let rows = maxLength === null ? prompts : prompts.map((r) => r.slice(-room));
      let [logits, past] = await run(rows, {}, 0);
      const begin = logits;
      return {
        logits: begin,
        async advance(tokens) {
          const held = rows[0]!.length;
          rows = rows.map((r, i) => [...r, ...tokens[i]!]);
          const fed = tokens[0]!.length;
          if (held + fed <= room) [logits, past] = await run(tokens, past, held);
          else {
            rows = rows.map((r) => r.slice(-Math.max(fed, Math.ceil(room / 2))).slice(-room));
            [logits, past] = await run(rows, {}, 0);
          }
          return logits;
        },
      };
    },
  };
}
