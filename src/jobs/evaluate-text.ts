/** Metrics of models that read and write text, of one model or of two side by side. */
import type { RunContext, Tell } from '../compute/engine/run-context.ts';
import { openTokenizer, type TokenizerChoice } from '../data/text/open-tokenizer.ts';
import type { TextTokenizer } from '../data/text/tokenizer.ts';
import { type BleuResult, createBleuMeter } from '../judge/evaluate/bleu.ts';
import type { BleuTokenizer } from '../judge/evaluate/bleu-tokenize.ts';
import { createExactMatchMeter, type ExactMatchResult } from '../judge/evaluate/exact-match.ts';
import {
  type TextLength,
  type TextPerplexityResult,
  textPerplexity,
} from '../judge/evaluate/language-model.ts';
import { generateAll } from '../judge/generate/generate.ts';
import type { Metric } from '../judge/report/metrics.ts';
import type { Report } from '../judge/report/report.ts';
import type { ModelInput } from '../model/formats/open-file.ts';
import { type Pair, readPairs, readTexts, type Texts } from './evaluate-text-data.ts';
import { type Generator, type GeneratorFiles, openGenerator } from './generate-session.ts';
import { promptIds, stopsOf } from './generate-text.ts';
import { readModel } from './read-model.ts';

interface EvaluateTextOptions extends GeneratorFiles, Omit<TokenizerChoice, 'model'>, RunContext {
  readonly data: string;
  /** The original: its figures stand in `before`. */
  readonly baseline?: ModelInput | undefined;
  readonly baselineEncoder?: ModelInput | undefined;
  /** Windows of text, or pairs, at most. */
  readonly samples?: number | undefined;
}

export type TextEvaluation = NonNullable<Report['evaluation']> & {
  /** How BLEU was computed, in sacreBLEU's form. */
  readonly signature?: string;
  /** Of perplexity: tokens that a window holds, and from one's begin to the next's. */
  readonly window?: number;
  readonly stride?: number;
};

/** Perplexity and bits on a text file, or on token ids (JSON).
 *  @throws TEXT_DATA, TOKENIZER_…, WINDOW_INVALID, TOO_FEW_TOKENS, what openDecoder and the engine throw */
export async function evaluatePerplexity(
  options: EvaluateTextOptions & { readonly stride?: number | undefined },
): Promise<TextEvaluation> {
  const texts = await readTexts(options.data, options);
  // A window that the user gives limits what is read at once; what the model can see is found in its graph.
  const files = { ...options, window: undefined };
  const results = await onEach(options, files, null, ({ decoder }, onProgress) =>
    textPerplexity(decoder, texts.ids, {
      window: options.window,
      stride: options.stride,
      limit: options.samples,
      textLength: lengthOf(texts),
      signal: options.signal,
      onProgress,
    }),
  );
  const { window, stride, windows } = results.after;
  const samples = windows;
  return {
    task: 'language',
    samples,
    runtime: results.runtime,
    metrics: perplexityRows(results),
    window,
    stride,
  };
}

interface EvaluatePairsOptions extends EvaluateTextOptions {
  /** Of bleu and exact-match. */
  readonly metrics: readonly string[];
  readonly maxTokens?: number | undefined;
  readonly stop?: readonly string[] | undefined;
  readonly bleuTokenizer?: BleuTokenizer | undefined;
}

/** What the model makes of each source (greedily) against what should have come.
 *  @throws TEXT_DATA, TOKENIZER_…, what openDecoder and the engine throw */
export async function evaluatePairs(options: EvaluatePairsOptions): Promise<TextEvaluation> {
  const tokenizer = await openTokenizer(options, 'Translating texts');
  const pairs = await readPairs(options.data, options.samples);
  const results = await onEach(options, options, tokenizer.padToken, (generator, onProgress) =>
    measurePairs(generator, tokenizer, pairs, options, onProgress),
  );
  const { before, after, runtime } = results;
  const metrics = options.metrics.map((name) =>
    name === 'bleu' ? bleuRow(before?.bleu, after.bleu) : matchRow(before?.match, after.match),
  );
  const signature = options.metrics.includes('bleu') ? { signature: after.bleu.signature } : {};
  return { task: 'sequence', samples: pairs.length, runtime, metrics, ...signature };
}

interface Both<T> {
  readonly before: T | null;
  readonly after: T;
  readonly runtime: string;
}

/** Opens, measures and closes the baseline, if there is one, then the model. */
async function onEach<T>(
  options: EvaluateTextOptions,
  files: GeneratorFiles,
  padToken: number | null,
  work: (generator: Generator, onProgress: Tell) => Promise<T>,
): Promise<Both<T>> {
  const { engine, baseline } = options;
  const runs = baseline ? 2 : 1;
  const measure = async (run: number, subject: GeneratorFiles) => {
    const generator = await openGenerator(engine, subject, padToken);
    try {
      return await work(generator, (done, total) => options.onProgress?.(run * total + done, runs * total));
    } finally {
      await generator.close();
    }
  };
  // Opened here: both may use one encoder.
  const encoder =
    files.encoder && (await readModel(files.encoder, {}, { events: {}, signal: options.signal }));
  const other = options.baselineEncoder ?? encoder;
  const before = baseline ? await measure(0, { ...files, model: baseline, encoder: other }) : null;
  const after = await measure(runs - 1, { ...files, encoder });
  return { before, after, runtime: `${engine.name} ${engine.version}` };
}

/** Code points and UTF-8 bytes; nothing for data that came as ids alone. */
function lengthOf({ tokenizer }: Texts): ((ids: readonly number[]) => TextLength) | undefined {
  if (!tokenizer) return undefined;
  return (ids) => {
    const text = tokenizer.decode(ids);
    return { characters: [...text].length, bytes: new TextEncoder().encode(text).length };
  };
}

function perplexityRows({ before, after }: Both<TextPerplexityResult>): Metric[] {
  const row = (name: string, key: keyof TextPerplexityResult, unit: Metric['unit']): Metric => ({
    name,
    before: before?.[key] ?? null,
    after: after[key],
    unit,
    higherIsBetter: false,
    interval: null,
  });
  const rows = [row('perplexity', 'perplexity', 'number'), row('bits per token', 'bitsPerToken', 'bits')];
  if (after.bitsPerCharacter !== null) rows.push(row('bits per character', 'bitsPerCharacter', 'bits'));
  if (after.bitsPerByte !== null) rows.push(row('bits per byte', 'bitsPerByte', 'bits'));
  return rows;
}

async function measurePairs(
  { decoder, stopTokens }: Generator,
  tokenizer: TextTokenizer,
  pairs: readonly Pair[],
  options: EvaluatePairsOptions,
  onProgress: Tell,
): Promise<{ bleu: BleuResult; match: ExactMatchResult }> {
  const prompts = pairs.map((p) => promptIds(tokenizer, p.source, decoder.kind));
  const written = await generateAll(decoder, prompts, {
    maxTokens: options.maxTokens,
    stopTokens: stopsOf(stopTokens, tokenizer, options.stop ?? []),
    signal: options.signal,
    onProgress,
  });
  const bleu = createBleuMeter({ tokenizer: options.bleuTokenizer });
  const match = createExactMatchMeter();
  for (const [i, ids] of written.entries()) {
    const text = tokenizer.decode(ids);
    bleu.add(text, pairs[i]!.targets);
    match.add(text, pairs[i]!.targets);
  }
  return { bleu: bleu.result(), match: match.result() };
}

const bleuRow = (before: BleuResult | undefined, after: BleuResult): Metric => ({
  name: 'BLEU',
  before: before?.score ?? null,
  after: after.score,
  unit: 'number',
  higherIsBetter: true,
  interval: null,
});

const matchRow = (before: ExactMatchResult | undefined, after: ExactMatchResult): Metric => ({
  name: 'exact match',
  before: before?.value ?? null,
  after: after.value,
  unit: 'fraction',
  higherIsBetter: true,
  interval: after.interval ? [...after.interval] : null,
});
