/** Recurrent decoders (LSTM, GRU, state-space): the states that a run gives are fed to the next, zeros to the first. */
import type { Session } from '../../compute/engine/contract.ts';
import type { DecoderPorts } from '../../data/text/decoder-ports.ts';
import { firstFeeds, fixedBatch, positionTensor, type TokenRows } from '../../data/text/feeds.ts';
import type { Tensor } from '../../model/ir/tensor.ts';
import type { Decoder, Logits } from './decoder.ts';
import { logitsOf } from './logits.ts';
import type { FixedFeeds } from './window.ts';

/** Graphs that take a fixed number of tokens a run (one, say) are run as often as it takes; the number of tokens fed
 *  is then a multiple of it. */
export function recurrentDecoder(session: Session, ports: DecoderPorts, fixed: FixedFeeds = {}): Decoder {
  const outputs = [ports.logits.name, ...ports.states.map((s) => s.output)];
  const columns = ports.tokens.shape?.[1];
  return {
    kind: 'recurrent',
    maxLength: null,
    maxBatch: fixedBatch(ports.tokens),
    async start(prompts) {
      let states: Record<string, Tensor> | null = null;
      let position = 0;
      const step = async (rows: TokenRows): Promise<Logits> => {
        const first = firstFeeds(ports, rows);
        const [batch, fed] = first[ports.tokens.name]!.dims as [number, number];
        const feeds = { ...fixed, ...first, ...states };
        if (ports.positions)
          feeds[ports.positions.name] = positionTensor(ports.positions, batch, position, fed);
        const results = await session.run(feeds, outputs);
        states = Object.fromEntries(ports.states.map((s) => [s.input.name, results[s.output]!]));
        position += fed;
        return logitsOf(results[ports.logits.name]!);
      };
      const advance = async (rows: TokenRows): Promise<Logits> => {
        const length = rows[0]!.length;
        const width = typeof columns === 'number' ? columns : length;
        if (width >= length) return step(rows);
        const parts: Logits[] = [];
        for (let at = 0; at < length; at += width)
          parts.push(await step(rows.map((r) => r.slice(at, at + width))));
        return joined(parts);
      };
      return { logits: await advance(prompts), advance };
    },
  };
}

/** Positions of several runs in one. */
function joined(parts: readonly Logits[]): Logits {
  const { batch, vocabulary } = parts[0]!;
  const length = parts.reduce((n, p) => n + p.length, 0);
  const values = new Float32Array(batch * length * vocabulary);
  for (let b = 0; b < batch; b++) {
    let at = b * length * vocabulary;
    for (const part of parts)
      for (let t = 0; t < part.length; t++) {
        const from = (b * part.length + t) * vocabulary;
        values.set(part.values.subarray(from, from + vocabulary), at);
        at += vocabulary;
      }
  }
  return { batch, length, vocabulary, values };
}
