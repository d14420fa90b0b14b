/** A plain vocabulary: characters, or words and pieces, of which the longest that fits is taken each time. */
import { tokenizerInvalid, tokenUnknown } from '../../support/diagnostics/generation.ts';
import type { TextTokenizer } from './tokenizer.ts';

const endNames = new Set(['</s>', '<eos>', '<|endoftext|>', '[EOS]', '<end>']);
const padNames = new Set(['<pad>', '[PAD]']);
const special = /^(<[a-z/_|]+>|\[(PAD|UNK|CLS|SEP|MASK|BOS|EOS)\])$/;

/** @param vocabulary  token → id
 *  @throws TOKENIZER_INVALID for the vocabulary of a byte-level tokeniser, which is nothing without its merges */
export function vocabularyTokenizer(
  vocabulary: ReadonlyMap<string, number>,
  name: string,
): Omit<TextTokenizer, 'hash'> {
  if (vocabulary.size === 0) throw tokenizerInvalid(name, 'it holds no tokens');
  // In a byte-level vocabulary the space is Ġ, and there is none.
  if (!vocabulary.has(' ') && vocabulary.has('Ġ'))
    throw tokenizerInvalid(name, 'its tokens are pieces of bytes, which need the merges in tokenizer.json');
  const tokens = new Map([...vocabulary].map(([token, id]) => [id, token]));
  const longest = Math.max(...[...vocabulary.keys()].map((t) => t.length));
  const idsNamed = (names: ReadonlySet<string>) =>
    [...vocabulary].filter(([t]) => names.has(t)).map(([, id]) => id);
  return {
    stopTokens: idsNamed(endNames),
    padToken: idsNamed(padNames)[0] ?? null,
    hasMask: vocabulary.has('[MASK]') || vocabulary.has('<mask>'),
    encode(text, most) {
      const ids: number[] = [];
      for (let at = 0; at < text.length; ) {
        let length = Math.min(longest, text.length - at);
        while (length > 0 && !vocabulary.has(text.slice(at, at + length))) length--;
        if (length === 0) throw tokenUnknown(String.fromCodePoint(text.codePointAt(at)!), name);
        ids.push(vocabulary.get(text.slice(at, at + length))!);
        at += length;
      }
      return ids.slice(0, most);
    },
    decode: (ids) =>
      ids
        .map((id) => tokens.get(id) ?? '')
        .filter((t) => !special.test(t))
        .join(''),
  };
}
