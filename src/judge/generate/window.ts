/** Decoders without memory between runs: each run reads the whole text so far, its last `maxLength` tokens once it is
 *  longer. Graphs of a fixed length get zeros behind the text, which causal attention never looks at. */
import type { Session } from '../../compute/engine/contract.ts';
import type { Tensor } from '../../model/ir/tensor.ts';
import type { Decoder, Logits, TokenRows } from './decoder.ts';
import { filled, fixedBatch, logitsOf, positionTensor, sliceLogits, tokenTensor } from './feeds.ts';
import type { DecoderPorts } from './ports.ts';

/** Feeds that stay the same through a run: what an encoder gave. */
export type FixedFeeds = Readonly<Record<string, Tensor>>;

export function windowDecoder(
  session: Session,
  ports: DecoderPorts,
  limit: number | null,
  fixed: FixedFeeds = {},
): Decoder {
  const columns = ports.tokens.shape?.[1];
  const fixedLength = typeof columns === 'number' ? columns : null;
  const maxLength = fixedLength === null ? limit : Math.min(fixedLength, limit ?? fixedLength);

  const run = async (rows: TokenRows, fed: number): Promise<Logits> => {
    const text = maxLength === null ? rows : rows.map((r) => r.slice(-maxLength));
    const length = text[0]!.length;
    const tokens = tokenTensor(ports.tokens, text, fixedLength ?? length);
    const [batch, width] = tokens.dims as [number, number];
    const feeds: Record<string, Tensor> = { ...fixed, [ports.tokens.name]: tokens };
    if (ports.mask) {
      const ones = text.map(() => new Array<number>(length).fill(1));
      feeds[ports.mask.name] = tokenTensor(ports.mask, ones, width);
    }
    if (ports.positions) feeds[ports.positions.name] = positionTensor(ports.positions, batch, 0, width);
    if (ports.tokenTypes) feeds[ports.tokenTypes.name] = filled(ports.tokenTypes, [batch, width], 0);
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
