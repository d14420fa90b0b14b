/** Decoders without memory between runs: each run reads the whole text so far, its last `maxLength` tokens once it is
 *  longer. Graphs of a fixed length get zeros behind the text, which causal attention never looks at. */
import type { Session } from '../../compute/engine/contract.ts';
import type { DecoderPorts } from '../../data/text/decoder-ports.ts';
import { firstFeeds, fixedBatch, fixedLength, type TokenRows } from '../../data/text/feeds.ts';
import type { Tensor } from '../../model/ir/tensor.ts';
import type { Decoder, Logits } from './decoder.ts';
import { logitsOf, sliceLogits } from './logits.ts';

/** Feeds that stay the same through a run: what an encoder gave. */
export type FixedFeeds = Readonly<Record<string, Tensor>>;

export function windowDecoder(
  session: Session,
  ports: DecoderPorts,
  limit: number | null,
  fixed: FixedFeeds = {},
): Decoder {
  const columns = fixedLength(ports.tokens);
  const maxLength = columns === null ? limit : Math.min(columns, limit ?? columns);

  const run = async (rows: TokenRows, fed: number): Promise<Logits> => {
    const text = maxLength === null ? rows : rows.map((r) => r.slice(-maxLength));
    const length = text[0]!.length;
    const feeds = { ...fixed, ...firstFeeds(ports, text, columns ?? length) };
    const { [ports.logits.name]: out } = await session.run(feeds, [ports.logits.name]);
    const logits = logitsOf(out!);
    if (logits.length === 1) return logits;
    const count = Math.min(fed, length);
    return sliceLogits(logits, length - count, count);
  };

  return {
    kind: 'window',
    maxLength,
    maxBatch: fixedBatch(ports.tokens),
    async start(prompts) {
      let rows = prompts;
      return {
        logits: await run(rows, rows[0]!.length),
        advance(tokens) {
          rows = rows.map((r, i) => [...r, ...tokens[i]!]);
          return run(rows, tokens[0]!.length);
        },
      };
    },
  };
}
