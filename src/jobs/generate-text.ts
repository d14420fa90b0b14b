/** Text from a prompt, told piece by piece. */
import type { RunContext } from '../compute/engine/run-context.ts';
import { openTokenizer, type TokenizerChoice } from '../data/text/open-tokenizer.ts';
import type { TextTokenizer } from '../data/text/tokenizer.ts';
import type { DecoderKind } from '../judge/generate/decoder.ts';
import { type GenerateOptions, generate } from '../judge/generate/generate.ts';
import { type GeneratorFiles, openGenerator } from './generate-session.ts';

export interface GenerateTextOptions
  extends GeneratorFiles,
    Omit<TokenizerChoice, 'model'>,
    Pick<GenerateOptions, 'maxTokens' | 'temperature' | 'topK' | 'topP' | 'seed' | 'signal'>,
    Pick<RunContext, 'engine'> {
  readonly prompt: string;
  /** Ends the text, beside what tokeniser and configuration say: texts of one token. */
  readonly stop?: readonly string[] | undefined;
  /** More of the text; what comes joined is the text. */
  readonly onText?: ((piece: string) => void) | undefined;
}

export interface GeneratedText {
  readonly kind: DecoderKind;
  readonly prompt: string;
  /** What was written, without the prompt. */
  readonly text: string;
  readonly ids: readonly number[];
  readonly promptTokens: number;
  readonly tokens: number;
  /** Why it ended: a stop token, or all tokens asked for. */
  readonly finish: 'stop' | 'length';
  /** Until the first token: reading the prompt. */
  readonly firstTokenMs: number | null;
  /** After the first token; null for fewer than two. */
  readonly tokensPerSecond: number | null;
  readonly runtime: string;
}

/** @throws what opening and running models and tokenisers throw; PROMPT_EMPTY, GENERATION_OPTION */
export async function generateText(options: GenerateTextOptions): Promise<GeneratedText> {
  const tokenizer = await openTokenizer(options, 'A prompt in words');
  const generator = await openGenerator(options.engine, options, tokenizer.padToken);
  try {
    const { decoder } = generator;
    const stopTokens = stopsOf(generator.stopTokens, tokenizer, options.stop ?? []);
    const prompt = promptIds(tokenizer, options.prompt, decoder.kind);
    const context = decoder.kind === 'encoder-decoder' || options.ids ? [] : prompt;
    const text = textStream(tokenizer, context, options.onText);
    const ids: number[] = [];
    const times: number[] = [performance.now()];
    const { maxTokens = 128 } = options;
    for await (const id of generate(decoder, prompt, { ...options, maxTokens, stopTokens })) {
      times.push(performance.now());
      ids.push(id);
      text.push(id);
    }
    const last = times.at(-1)!;
    return {
      kind: decoder.kind,
      prompt: options.prompt,
      text: text.end(),
      ids,
      promptTokens: prompt.length,
      tokens: ids.length,
      finish: ids.length < maxTokens ? 'stop' : 'length',
      firstTokenMs: ids.length > 0 ? times[1]! - times[0]! : null,
      tokensPerSecond: ids.length > 1 ? ((ids.length - 1) * 1000) / (last - times[1]!) : null,
      runtime: `${options.engine.name} ${options.engine.version}`,
    };
  } finally {
    await generator.close();
  }
}

/** A prompt is to be gone on with: what ends a text at its end is taken off. */
export function promptIds(tokenizer: TextTokenizer, text: string, kind: DecoderKind): number[] {
  const ids = tokenizer.encode(text);
  const ends = kind !== 'encoder-decoder' && ids.length > 1 && tokenizer.stopTokens.includes(ids.at(-1)!);
  return ends ? ids.slice(0, -1) : ids;
}

/** Tokens that end a text: the configuration's, else the tokeniser's, and those of the texts given. */
export function stopsOf(
  configured: readonly number[] | null,
  tokenizer: TextTokenizer,
  texts: readonly string[],
): number[] {
  const given = texts.flatMap((text) => {
    const ids = tokenizer.encode(text);
    // With a begin or end token around it, the text's own is the one that is neither.
    const own = ids.filter((id) => !tokenizer.stopTokens.includes(id));
    return own.length > 0 ? [own.at(-1)!] : ids.slice(-1);
  });
  return [...(configured ?? tokenizer.stopTokens), ...given];
}

/** Decodes the whole text again with each token (a piece can change what stands before it), and tells what is certain: a character
 *  of which bytes are missing is not. */
function textStream(tokenizer: TextTokenizer, context: readonly number[], onText?: (piece: string) => void) {
  const base = tokenizer.decode(context);
  const ids = [...context];
  let [text, told] = ['', 0];
  const tell = (end: number) => {
    if (end > told) onText?.(text.slice(told, end));
    told = Math.max(told, end);
  };
  return {
    push(id: number) {
      ids.push(id);
      const all = tokenizer.decode(ids);
      text = all.startsWith(base) ? all.slice(base.length) : tokenizer.decode(ids.slice(context.length));
      tell(text.replace(/\ufffd+$/, '').length);
    },
    end() {
      tell(text.length);
      return text;
    },
  };
}
