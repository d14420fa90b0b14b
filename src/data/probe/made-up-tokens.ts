/** Seeded token ids for a model that reads text, where no tokeniser is there to make them of words. */
import type { Port } from '../../model/ir/port.ts';
import { sha256Text } from '../../support/hash.ts';
import { createRandom } from '../../support/random.ts';
import type { DataSource } from '../source.ts';
import { mixed, syntheticInputs } from '../synthetic.ts';
import { encoderFeeds, type Feeds, firstFeeds, fixedBatch, fixedLength, tokenTensor } from '../text/feeds.ts';
import type { TextModel } from '../text/text-model.ts';

/** Tokens of a sample where the graph leaves it open. */
const usualLength = 32;

/** @param most  samples */
export function madeUpTokens(model: TextModel, ports: readonly Port[], most: number, seed = 0): DataSource {
  const known = model.knownTokens ?? scoredTokens(model) ?? 2;
  const length = Math.min(usualLength, model.limit ?? usualLength);
  return {
    name: `token ids under ${known}`,
    kind: 'synthetic',
    length: most,
    labelled: false,
    classes: null,
    guessed: [`token ids are made up: uniform under ${known}`],
    preprocessing: null,
    hash: () => sha256Text(JSON.stringify(['made-up tokens', seed, most, known, length])),
    read: async (index) => {
      const random = createRandom(mixed(seed, index));
      const row = (width: number | null) =>
        Array.from({ length: width ?? length }, () => random.integer(known));
      const rest = syntheticInputs(ports, { seed: mixed(seed, index) });
      return { id: `made-up[${index}]`, inputs: { ...rest, ...feedsOf(model, row) } };
    },
  };
}

const scoredTokens = ({ decoder }: TextModel): number | null => {
  const width = decoder?.logits.shape?.at(-1);
  return typeof width === 'number' ? width : null;
};

function feedsOf({ decoder, encoder }: TextModel, row: (width: number | null) => number[]): Feeds {
  const rows = (port: Port) => Array.from({ length: fixedBatch(port) ?? 1 }, () => row(fixedLength(port)));
  if (!decoder) return encoderFeeds(encoder, rows(encoder.tokens));
  const feeds = firstFeeds(decoder, rows(decoder.tokens));
  const { source, encoderMask } = decoder;
  if (!source) return feeds;
  const read = rows(source);
  feeds[source.name] = tokenTensor(source, read);
  if (encoderMask)
    feeds[encoderMask.name] = tokenTensor(
      encoderMask,
      read.map((ids) => ids.map(() => 1)),
    );
  return feeds;
}
