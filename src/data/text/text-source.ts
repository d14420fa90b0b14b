/** Texts as samples: each text by itself for models that read whole texts, windows of tokens for those that write on, pairs where an
 *  encoder and a decoder are in one graph. */
import type { Port } from '../../model/ir/port.ts';
import { numbers } from '../../model/ir/tensor.ts';
import { inputNotText, tokensUnknown, windowTooLong } from '../../support/diagnostics/data.ts';
import { sha256Text } from '../../support/hash.ts';
import { formatInteger } from '../../support/units.ts';
import type { ClassLabels } from '../classes.ts';
import { formatInput } from '../picture-input.ts';
import type { DataSource } from '../source.ts';
import { encoderFeeds, type Feeds, firstFeeds, fixedBatch, fixedLength, tokenTensor } from './feeds.ts';
import type { TextRecord } from './parse-texts.ts';
import type { TextModel } from './text-model.ts';
import type { TextTokenizer } from './tokenizer.ts';

export interface TextSourceOptions {
  /** For people: "reviews.csv". */
  readonly name: string;
  readonly texts: readonly (string | TextRecord)[];
  /** The text of which all are lines. */
  readonly prose?: string | null;
  /** null where all texts are token ids. */
  readonly tokenizer: TextTokenizer | null;
  readonly model: TextModel;
  /** Tokens of a sample, at most; what the model sees, but no more than is usual, when left out. */
  readonly window?: number | undefined;
  /** What a decoder beside an encoder begins to write with (default: the pad token, else 0). */
  readonly startToken?: number | null | undefined;
  readonly labels?: ClassLabels | null;
  /** What was assumed about the texts, in words. */
  readonly notes?: readonly string[];
  /** Which samples to use, of so many. */
  readonly choose?: (count: number) => readonly number[];
}

/** Where nothing says how long samples should be: a text for a reader, a window for a writer. */
const usual = { text: 512, window: 128 };

/** Tokens that are told in words. */
const shownTokens = 24;

/** Tokens that a text is read further than they are used. */
const sparedTokens = 64;

/** Characters that windows are made of: of longer texts, stretches spread over all. */
const mostCharacters = 2_000_000;

interface Unit {
  readonly id: string;
  /** What it is made of, for the hash. */
  readonly content: string;
  readonly label?: number | undefined;
  feeds(): Feeds;
}

/** A source over texts in memory.
 *  @example
 *  const source = await createTextSource({ name: 'probe', texts, tokenizer, model: textModelOf(portsOf(model), model)! });
 *  @throws INPUT_NOT_TEXT for inputs that no text feeds, TOKENS_UNKNOWN where the tokeniser is another model's, WINDOW_TOO_LONG */
export async function createTextSource(options: TextSourceOptions): Promise<DataSource> {
  const { tokenizer, model, labels = null, notes = [] } = options;
  requireWhole(model, options.name);
  const { units, word, said } = unitsOf(options);
  const chosen = (options.choose ?? all)(units.length);
  const at = (index: number): Unit => {
    const unit = units[chosen[index] ?? -1];
    if (!unit) throw new RangeError(`There is no sample ${index}; there are ${chosen.length}.`);
    return unit;
  };
  const labelled = units.length > 0 && units.every(({ label }) => label !== undefined);
  const read = async (index: number) => {
    const { id, label, feeds } = at(index);
    return { id, inputs: known(feeds(), model, options.name), label };
  };
  if (chosen.length > 0) await read(0);
  return {
    name: `${options.name} (${formatInteger(chosen.length)} ${word})`,
    kind: 'text',
    length: chosen.length,
    labelled,
    classes: labelled && labels && labels.classes.length > 0 ? labels.classes : null,
    classesInOrder: labelled && labels?.inOrder === true,
    guessed: [...notes, ...said, ...(labelled && labels ? [labels.how] : [])],
    preprocessing: null,
    isRunningText: word === 'windows' || word === 'pairs',
    async hash() {
      const lines = chosen.map((i) => `${units[i]!.content}\t${units[i]!.label ?? ''}\n`);
      return sha256Text(JSON.stringify([tokenizer?.hash ?? 'ids', said, lines]));
    },
    fingerprint: (index) => sha256Text(at(index).content),
    label: (index) => at(index).label,
    async describe(index) {
      const port = model.decoder?.source ?? model.encoder.tokens;
      const ids = numbers(at(index).feeds()[port.name]!).slice(0, shownTokens);
      return tokenizer ? tokenizer.decode(ids) : null;
    },
    read,
  };
}

const all = (count: number) => Array.from({ length: count }, (_, i) => i);

interface Units {
  readonly units: readonly Unit[];
  /** What they are called. */
  readonly word: string;
  readonly said: readonly string[];
}

function unitsOf(options: TextSourceOptions): Units {
  const { model, tokenizer, texts, labels } = options;
  const records = texts.map((text, i) =>
    typeof text === 'string' ? { id: `${options.name}[${i}]`, text } : text,
  );
  const { decoder } = model;
  if (decoder?.source) return pairs(options, records);
  // Models of masked texts score all tokens, too, and read both ways.
  const isReader = decoder === null || (decoder.states.length === 0 && tokenizer?.hasMask === true);
  if (!isReader) return windows(options, records);
  return wholeTexts(options, records, labels ?? null);
}

/** @throws WINDOW_TOO_LONG */
function lengthOf({ window, model, name }: TextSourceOptions, port: Port, usualLength: number) {
  const width = fixedLength(port);
  const limit = Math.min(width ?? Number.POSITIVE_INFINITY, model.limit ?? Number.POSITIVE_INFINITY);
  if (window !== undefined && window > limit) throw windowTooLong(window, limit, name);
  const most = window ?? Math.min(limit, width === null ? usualLength : limit);
  return { width, most, padded: width === null ? [] : [`padded to ${width} tokens`] };
}

function encoded(record: TextRecord, { tokenizer }: TextSourceOptions, most?: number): readonly number[] {
  if (record.tokens) return record.tokens.slice(0, most);
  if (!tokenizer) return [];
  return most === undefined
    ? tokenizer.encode(record.text)
    : tokenizer.encode(begun(record.text, tokenizer, most), most);
}

/** The beginning of a text that surely has more tokens than `most`, or all of it: whole books are not made tokens of for their first
 *  page. Cutting changes the tokens at the cut alone. */
function begun(text: string, tokenizer: TextTokenizer, most: number): string {
  for (let length = 16 * (most + sparedTokens); length < text.length; length *= 4) {
    const part = text.slice(0, length);
    if (tokenizer.encode(part, most + sparedTokens).length >= most + sparedTokens) return part;
  }
  return text;
}

const padOf = ({ tokenizer }: TextSourceOptions) => tokenizer?.padToken ?? 0;

function wholeTexts(
  options: TextSourceOptions,
  records: readonly TextRecord[],
  labels: ClassLabels | null,
): Units {
  const { encoder } = options.model;
  requireServed(options, [encoder.tokens, ...encoder.others], encoder.others);
  const { width, most, padded } = lengthOf(options, encoder.tokens, usual.text);
  const asPair = (record: TextRecord) =>
    record.second === undefined
      ? undefined
      : options.tokenizer?.encodePair?.(
          begun(record.text, options.tokenizer, most),
          begun(record.second, options.tokenizer, most),
          most,
        );
  const units = records.map(
    (record, i): Unit => ({
      id: record.id,
      content: contentOf(record),
      label: labels?.labels[i],
      feeds() {
        const { ids, types } = asPair(record) ?? { ids: encoded(record, options, most), types: [] };
        const more = types.length > 0 ? { types: [types] } : {};
        return encoderFeeds(encoder, [ids], { ...more, width: width ?? ids.length, pad: padOf(options) });
      },
    }),
  );
  return { units, word: 'texts', said: [`at most ${most} tokens of each text`, ...padded] };
}

const contentOf = ({ text, second, tokens }: TextRecord) => JSON.stringify([tokens ?? text, second ?? null]);

function windows(options: TextSourceOptions, records: readonly TextRecord[]): Units {
  const decoder = options.model.decoder!;
  const { tokens: port } = decoder;
  requireServed(options, [port], []);
  const { width, most, padded } = lengthOf(options, port, usual.window);
  const { kept, said } = thinned(
    typeof options.prose === 'string'
      ? [{ id: options.name, text: options.prose.trimEnd() }]
      : records.map(withSecond),
  );
  const units = kept.flatMap((record) => {
    const ids = encoded(record, options);
    const count = Math.ceil(ids.length / most);
    const parts = Array.from({ length: count }, (_, k) => ids.slice(k * most, (k + 1) * most));
    // What is left at the end says little beside whole windows.
    const whole = count > 1 && parts.at(-1)!.length * 2 < most ? parts.slice(0, -1) : parts;
    return whole.map(
      (part, k): Unit => ({
        id: whole.length > 1 ? `${record.id}, tokens from ${k * most}` : record.id,
        content: JSON.stringify(part),
        feeds: () => firstFeeds(decoder, [part], width ?? part.length, padOf(options)),
      }),
    );
  });
  return { units, word: 'windows', said: [...said, `windows of ${most} tokens`, ...padded] };
}

const withSecond = (record: TextRecord): TextRecord =>
  record.second === undefined ? record : { ...record, text: `${record.text}\n${record.second}` };

/** Evenly spread stretches of texts that are too long to make tokens of all. */
function thinned(records: readonly TextRecord[]): { kept: readonly TextRecord[]; said: readonly string[] } {
  const total = records.reduce((sum, { text }) => sum + text.length, 0);
  if (total <= mostCharacters) return { kept: records, said: [] };
  const stretch = 20_000;
  const parts = records.flatMap((record) =>
    Array.from({ length: Math.ceil(record.text.length / stretch) }, (_, k) => ({
      id: `${record.id}, from character ${k * stretch}`,
      text: record.text.slice(k * stretch, (k + 1) * stretch),
    })),
  );
  const wanted = Math.max(1, Math.floor((parts.length * mostCharacters) / total));
  const kept = Array.from({ length: wanted }, (_, k) => parts[Math.floor((k * parts.length) / wanted)]!);
  return {
    kept,
    said: [`of ${formatInteger(total)} characters, ${formatInteger(mostCharacters)} spread over all`],
  };
}

function pairs(options: TextSourceOptions, records: readonly TextRecord[]): Units {
  const decoder = options.model.decoder!;
  const source = decoder.source!;
  requireServed(options, [source, decoder.tokens], []);
  const reading = lengthOf(options, source, usual.text);
  const writing = lengthOf(options, decoder.tokens, usual.window);
  const pad = padOf(options);
  const start = options.startToken ?? pad;
  const units = records.map(
    (record): Unit => ({
      id: record.id,
      content: contentOf(record),
      feeds() {
        const ids = encoded(record, options, reading.most);
        const target =
          record.second === undefined
            ? []
            : encoded({ id: record.id, text: record.second }, options, writing.most + 1);
        const written = [start, ...target].slice(0, writing.most);
        const feeds = firstFeeds(decoder, [written], writing.width ?? written.length, pad);
        const columns = reading.width ?? ids.length;
        feeds[source.name] = tokenTensor(source, [ids], columns, pad);
        const mask = decoder.encoderMask;
        if (mask) feeds[mask.name] = tokenTensor(mask, [ids.map(() => 1)], columns);
        return feeds;
      },
    }),
  );
  const alone = records.every(({ second }) => second === undefined);
  const said = alone ? [`the decoder is given its start token ${start} alone`] : [];
  return { units, word: alone ? 'texts' : 'pairs', said: [...said, ...reading.padded, ...writing.padded] };
}

/** @throws INPUT_NOT_TEXT for a decoder whose encoder is another model */
export function requireWhole({ decoder }: TextModel, name: string): void {
  const { encoderStates, source } = decoder ?? {};
  if (encoderStates && !source)
    throw inputNotText(name, [`"${encoderStates.name}" ${formatInput(encoderStates)}`], true);
}

/** @throws INPUT_NOT_TEXT */
function requireServed({ name }: TextSourceOptions, ports: readonly Port[], strange: readonly Port[]): void {
  const told = (list: readonly Port[]) => list.map((p) => `"${p.name}" ${formatInput(p)}`);
  const batched = ports.filter((p) => (fixedBatch(p) ?? 1) > 1);
  if (strange.length > 0 || batched.length > 0) throw inputNotText(name, told([...strange, ...batched]));
}

/** @throws TOKENS_UNKNOWN: an engine would read behind the table, or fail with words of its own */
function known(feeds: Feeds, { encoder, decoder, knownTokens }: TextModel, name: string): Feeds {
  const port = decoder?.source ?? encoder.tokens;
  const ids = feeds[port.name];
  if (knownTokens === null || !ids) return feeds;
  let largest = 0;
  for (const id of numbers(ids)) largest = Math.max(largest, id);
  if (largest >= knownTokens) throw tokensUnknown(name, largest, knownTokens);
  return feeds;
}
