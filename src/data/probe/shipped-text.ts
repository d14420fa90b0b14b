/** Text that ships with us as samples of a model, through the tokeniser beside it. */
import { Diagnostic } from '../../support/diagnostics.ts';
import { spread } from '../../support/spread.ts';
import type { DataSource } from '../source.ts';
import { fixedLength } from '../text/feeds.ts';
import type { TextModel } from '../text/text-model.ts';
import { createTextSource } from '../text/text-source.ts';
import type { TextTokenizer } from '../text/tokenizer.ts';
import { shippedTexts } from './texts.ts';

interface ShippedTextOptions {
  readonly model: TextModel;
  readonly tokenizer: TextTokenizer;
  /** What a decoder beside an encoder begins to write with. */
  readonly startToken?: number | null;
  /** Samples at most, spread over the text. */
  readonly most: number;
  /** Of a sample, at most. */
  readonly tokens: number;
}

/** null where the tokeniser spells none of it, or no text feeds the model's inputs. */
export async function shippedTextSource({
  model,
  tokenizer,
  startToken,
  most,
  tokens,
}: ShippedTextOptions): Promise<DataSource | null> {
  const texts = spelled(tokenizer);
  if (texts === null) return null;
  // What an encoder reads, its decoder is to write.
  const pairs = texts.map((text, i) => ({ id: `shipped[${i}]`, text, second: text }));
  const writesFromText = model.decoder?.source != null;
  try {
    return await createTextSource({
      name: 'text that ships with edgepress',
      texts: writesFromText ? pairs : texts,
      prose: writesFromText ? null : texts.join(isSpelled('a\n\na', tokenizer) ? '\n\n' : ' '),
      ...{ tokenizer, model, startToken },
      window: windowOf(model, tokens),
      choose: (count) => spread([...Array(count).keys()], most),
    });
  } catch (error) {
    // Another model's tokeniser, or inputs that text doesn't feed.
    if (error instanceof Diagnostic && unfit.has(error.code)) return null;
    throw error;
  }
}

const unfit: ReadonlySet<string> = new Set(['TOKENS_UNKNOWN', 'INPUT_NOT_TEXT']);

function windowOf({ encoder, decoder, limit }: TextModel, most: number): number {
  const ports = [encoder.tokens, ...(decoder ? [decoder.tokens] : [])];
  return Math.min(most, limit ?? most, ...ports.map((port) => fixedLength(port) ?? most));
}

/** What vocabularies of few letters may lack, left out more and more. */
const spellings: readonly ((text: string) => string)[] = [
  (text) => text,
  (text) => text.toLowerCase(),
  (text) => text.toLowerCase().replace(/[^a-z]+/g, ' '),
];

const fewest = 4;

/** The texts in the first spelling that the tokeniser knows; null where it knows none. */
function spelled(tokenizer: TextTokenizer): string[] | null {
  for (const spelling of spellings) {
    const texts = shippedTexts.map(spelling).filter((text) => isSpelled(text, tokenizer));
    if (texts.length >= fewest) return texts;
  }
  return null;
}

function isSpelled(text: string, tokenizer: TextTokenizer): boolean {
  try {
    return tokenizer.encode(text).length > 1;
  } catch (error) {
    if (error instanceof Diagnostic && error.code === 'TOKEN_UNKNOWN') return false;
    throw error;
  }
}
