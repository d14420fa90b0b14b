/** Text to token ids and back: the tokenizer.json of Hugging Face, a plain vocabulary, or a llama2.c tokenizer.bin. */
import { tokenizerInvalid, tokenUnknown } from '../../support/diagnostics/generation.ts';
import { sha256 } from '../../support/hash.ts';
import { parseScoredPieces, scoredTokenizer } from './tokenizer-scored.ts';
import { vocabularyTokenizer } from './tokenizer-vocabulary.ts';

export interface TextTokenizer {
  /** Ids of a text, with the special tokens that the model expects around it.
   *  @param most  ids at most; what is cut off stands before the special tokens at the end
   *  @throws TOKEN_UNKNOWN for text that the vocabulary can't spell */
  encode(text: string, most?: number): number[];
  /** Two texts in one, and which of them each id belongs to; absent where a tokeniser has no way to join them. */
  encodePair?(first: string, second: string, most?: number): TokenPair;
  /** Text of ids, special tokens left out. */
  decode(ids: readonly number[]): string;
  /** Tokens that end a text. */
  readonly stopTokens: readonly number[];
  /** The token that fills up, with which T5 begins to write; null when there is none. */
  readonly padToken: number | null;
  /** Whether it has a token for what is masked: models of such texts read both ways, and don't write on. */
  readonly hasMask: boolean;
  /** Equal for equal tokenisers. */
  readonly hash: string;
}

export interface TokenPair {
  readonly ids: number[];
  readonly types: number[];
}

export interface TokenizerFile {
  /** For messages. */
  readonly name: string;
  readonly bytes: Uint8Array;
  /** tokenizer_config.json beside a tokenizer.json, parsed. */
  readonly config?: unknown;
}

/** Reads whichever kind of file it is.
 *  @example
 *  const tokenizer = await readTokenizer({ name: 'tokenizer.json', bytes });
 *  @throws TOKENIZER_INVALID */
export async function readTokenizer(file: TokenizerFile): Promise<TextTokenizer> {
  return { ...(await tokenizerOf(file)), hash: await sha256(file.bytes) };
}

async function tokenizerOf({ name, bytes, config }: TokenizerFile): Promise<Omit<TextTokenizer, 'hash'>> {
  if (/\.bin$/.test(name)) return scoredTokenizer(parseScoredPieces(bytes, name), name);
  const text = decodeText(bytes, name);
  if (!/\.json$/.test(name)) return vocabularyTokenizer(parseLines(text), name);
  const json = parseJson(text, name);
  if (typeof json === 'object' && json !== null && 'model' in json) return jsonTokenizer(json, config, name);
  return vocabularyTokenizer(parseVocabulary(json, name), name);
}

function decodeText(bytes: Uint8Array, name: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw tokenizerInvalid(name, 'it is not UTF-8 text', cause);
  }
}

function parseJson(text: string, name: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw tokenizerInvalid(name, 'it is not valid JSON', cause);
  }
}

/** Token → id, from { "token": id } or ["token", …]. */
function parseVocabulary(json: unknown, name: string): Map<string, number> {
  if (Array.isArray(json) && json.every((t) => typeof t === 'string'))
    return new Map(json.map((t, i) => [t, i]));
  const entries =
    typeof json === 'object' && json !== null && !Array.isArray(json) ? Object.entries(json) : [];
  if (entries.length === 0 || !entries.every(([, id]) => Number.isInteger(id) && (id as number) >= 0))
    throw tokenizerInvalid(name, 'expected { "token": id }, a list of tokens, or a tokenizer.json');
  return new Map(entries as [string, number][]);
}

/** One token a line; the last line's end begins no token. */
function parseLines(text: string): Map<string, number> {
  const lines = text.split(/\r?\n/);
  if (lines.at(-1) === '') lines.pop();
  return new Map(lines.map((token, id) => [token, id]));
}

/** Names that models give to the token that ends a text. */
const endNames = ['</s>', '<|endoftext|>', '<|end_of_text|>', '<|im_end|>', '<|eot_id|>', '<eos>', '[EOS]'];

async function jsonTokenizer(
  json: object,
  config: unknown,
  name: string,
): Promise<Omit<TextTokenizer, 'hash'>> {
  const { Tokenizer } = await import('@huggingface/tokenizers');
  const settings = typeof config === 'object' && config !== null ? config : {};
  const inner = opened(() => new Tokenizer(json, settings), name);
  const idOf = (token: string | null) => (token === null ? undefined : inner.token_to_id(token));
  const said = idOf(tokenNamed(settings, 'eos_token'));
  const known = knownIds(json, idOf, name);
  const idsOf = (text: string, options?: Parameters<typeof inner.encode>[1]) => {
    const { ids, tokens } = inner.encode(text, options);
    return known(ids, tokens);
  };
  const plain = (text: string) => idsOf(text, { add_special_tokens: false });
  const around = () =>
    specialsAround(inner.encode('a').ids, inner.encode('a', { add_special_tokens: false }).ids);
  const stopTokens = said === undefined ? endNames.map(idOf).filter((id) => id !== undefined) : [said];
  return {
    stopTokens,
    padToken: idOf(tokenNamed(settings, 'pad_token')) ?? idOf('<pad>') ?? null,
    hasMask: [tokenNamed(settings, 'mask_token'), '[MASK]', '<mask>'].some((t) => idOf(t) !== undefined),
    encode: (text, most) => shortened(idsOf(text), most, around().after),
    encodePair(first, second, most) {
      const joined = inner.encode(first, { text_pair: second, return_token_type_ids: true });
      const types = joined.token_type_ids;
      const ids = known(joined.ids, joined.tokens);
      if (most === undefined || ids.length <= most) return { ids, types };
      const [a, b] = [plain(first).length, plain(second).length];
      const { before, after } = around();
      const kept = keptOfPair(a, b, Math.max(0, most - (ids.length - a - b)));
      const isCut = (at: number) =>
        (at >= before + kept[0] && at < before + a) ||
        (at >= ids.length - after - b + kept[1] && at < ids.length - after);
      const whole = (_: number, at: number) => !isCut(at);
      return { ids: ids.filter(whole), types: types.filter(whole) };
    },
    decode: (ids) => (ids.length === 0 ? '' : inner.decode([...ids], { skip_special_tokens: true })),
  };
}

/** Tokens that the vocabulary lacks come without an id, where the library knows none for them: they get that of the file's unknown token.
 *  @throws TOKEN_UNKNOWN where there is none */
function knownIds(json: object, idOf: (token: string | null) => number | undefined, name: string) {
  const { model } = json as { readonly model?: unknown };
  const unknown =
    typeof model === 'object' && model !== null ? idOf(tokenNamed(model, 'unk_token')) : undefined;
  return (ids: readonly (number | undefined)[], tokens: readonly string[]): number[] =>
    ids.map((id, at) => {
      const found = id ?? unknown;
      if (found === undefined) throw tokenUnknown(tokens[at] ?? '', name);
      return found;
    });
}

/** How many special tokens stand before and behind a text. */
function specialsAround(ids: readonly number[], text: readonly number[]) {
  const before = Math.max(
    0,
    ids.findIndex((_, at) => text.every((id, k) => ids[at + k] === id)),
  );
  return { before, after: Math.max(0, ids.length - before - text.length) };
}

const shortened = (ids: number[], most = Number.POSITIVE_INFINITY, after = 0): number[] =>
  ids.length <= most ? ids : [...ids.slice(0, Math.max(0, most - after)), ...ids.slice(ids.length - after)];

/** The longer of two texts is cut first. */
function keptOfPair(a: number, b: number, room: number): [number, number] {
  const half = Math.floor(room / 2);
  if (a <= half) return [a, Math.min(b, room - a)];
  return b <= half ? [Math.min(a, room - b), b] : [room - half, half];
}

function opened<T>(open: () => T, name: string): T {
  try {
    return open();
  } catch (cause) {
    throw tokenizerInvalid(name, cause instanceof Error ? cause.message : String(cause), cause);
  }
}

/** "</s>", or { "content": "</s>", … }. */
function tokenNamed(config: object, key: string): string | null {
  const value: unknown = (config as Record<string, unknown>)[key];
  if (typeof value === 'string') return value;
  const content: unknown =
    typeof value === 'object' && value !== null ? (value as Record<string, unknown>)['content'] : null;
  return typeof content === 'string' ? content : null;
}
