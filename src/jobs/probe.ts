/** What a result is compared with the original on where no samples were held back: samples that it was calibrated on, text that
 *  ships with us, or inputs that are made up. */

import type { EngineName } from '../compute/engine/contract.ts';
import { openEngine } from '../compute/engine/open.ts';
import type { RunContext } from '../compute/engine/run-context.ts';
import type { Prepared } from '../data/prepare-data.ts';
import { madeUpInputs } from '../data/probe/made-up-inputs.ts';
import { madeUpTokens } from '../data/probe/made-up-tokens.ts';
import { shippedTextSource } from '../data/probe/shipped-text.ts';
import type { DataSource } from '../data/source.ts';
import { readModelConfig } from '../data/text/model-config.ts';
import { openTokenizer } from '../data/text/open-tokenizer.ts';
import { type TextModel, textModelOf } from '../data/text/text-model.ts';
import type { TextTokenizer } from '../data/text/tokenizer.ts';
import type { Probe as ProbeFacts } from '../judge/report/probe.ts';
import type { Task } from '../judge/task/task.ts';
import { folderOf } from '../model/formats/open-file.ts';
import type { OpenedModel } from '../model/formats/opened.ts';
import { expandedNodes } from '../model/ir/functions.ts';
import { portsOf } from '../model/ir/port.ts';
import { Diagnostic } from '../support/diagnostics.ts';
import { spread } from '../support/spread.ts';
import { counted } from '../support/units.ts';
import { chooseInputs, poolSize } from './choose-probe.ts';

export interface Probe {
  readonly source: DataSource;
  readonly indices: readonly number[];
  readonly facts: ProbeFacts;
  /** Others of the same kind, which nothing is compared on; none where inputs aren't made up. */
  readonly others?: readonly number[];
}

/** Made-up samples that may be learnt from. */
const toLearn = 256;

/** Samples of a probe: fewer of large models, and shorter ones, so that two of them run in reasonable time. A model of 650 MB reads four
 *  times 64 tokens. */
const samples = { most: 32, fewest: 4, bytes: 1e9 };
const tokens = { most: 128, fewest: 64 };

const samplesOf = ({ sizeBytes }: Pick<OpenedModel, 'sizeBytes'>): number =>
  Math.max(samples.fewest, Math.min(samples.most, Math.floor(samples.bytes / sizeBytes)));
const tokensOf = ({ sizeBytes }: Pick<OpenedModel, 'sizeBytes'>): number =>
  sizeBytes * samples.fewest > samples.bytes ? tokens.fewest : tokens.most;

/** @param prepared  data of which nothing was held back; null where there is none
 *  @throws FUNCTIONS_TOO_LARGE and its kin, what engines throw where the original doesn't take what is made up; SYNTHETIC_TYPE where nothing can be made up for it */
export async function openProbe(
  opened: OpenedModel,
  prepared: Prepared | null,
  run: Omit<RunContext, 'engine'> & { readonly task: Task; readonly comparedOn: EngineName },
): Promise<Probe> {
  // An engine would write out functions that call each other twice for hours.
  expandedNodes(opened.model);
  const seen = prepared && spread([...prepared.calibration, ...prepared.training], samples.most);
  if (prepared && seen?.length) return probeOf('seen', prepared.source, seen);
  const ports = portsOf(opened.model);
  const reader = textModelOf(ports, opened.model);
  const text = reader && (await textFor(opened, reader, samplesOf(opened)));
  if (text) return probeOf('text', text, undefined, true);
  const drawings = run.task.name !== 'image-to-image';
  const ways = reader
    ? [madeUpTokens(reader, ports, poolSize)]
    : madeUpInputs(opened, { most: poolSize + toLearn, drawings });
  const { source, indices, choices } = await chooseInputs(opened, {
    ...run,
    engine: await openEngine(),
    ways,
  });
  const { length } = indices;
  const what = `${counted(length, 'made-up sample')} (${source.name})`;
  const facts = {
    kind: 'made-up',
    what,
    samples: length,
    ...(choices !== null && { choices }),
    ...(reader && { readsText: true }),
  } as const;
  const others = Array.from({ length: toLearn }, (_, i) => poolSize + i);
  return { source, indices, facts, ...(!reader && { others }) };
}

function probeOf(
  kind: ProbeFacts['kind'],
  source: DataSource,
  indices: readonly number[] = [...Array(source.length).keys()],
  readsText = false,
): Probe {
  const facts = { kind, what: source.name, samples: indices.length, ...(readsText && { readsText }) };
  return { source, indices, facts };
}

async function textFor(opened: OpenedModel, model: TextModel, most: number): Promise<DataSource | null> {
  const tokenizer = await tokenizerBeside(opened);
  if (!tokenizer) return null;
  const { start: startToken } = readModelConfig(folderOf(opened));
  return shippedTextSource({ model, tokenizer, startToken, most, tokens: tokensOf(opened) });
}

/** What lies there may be another program's. */
async function tokenizerBeside(model: OpenedModel): Promise<TextTokenizer | null> {
  try {
    return await openTokenizer({ model }, 'A probe');
  } catch (error) {
    if (error instanceof Diagnostic) return null;
    throw error;
  }
}
