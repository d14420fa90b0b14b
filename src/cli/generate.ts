/** compress generate <model> --prompt … */
import { text as readAll } from 'node:stream/consumers';
import type { EngineName } from '../compute/engine/contract.ts';
import { openEngine } from '../compute/engine/open.ts';
import { type GeneratedText, generateText } from '../jobs/generate-text.ts';
import { plain } from '../judge/report/terminal.ts';
import { formatDecimal, formatMs } from '../support/units.ts';
import { interruptSignal } from './interrupt.ts';
import { printJson } from './print-json.ts';

export interface GenerateFlags {
  prompt: string;
  tokenizer?: string;
  ids?: boolean;
  encoder?: string;
  maxTokens: number;
  stop?: string[];
  startToken?: number;
  window?: number;
  temperature?: number;
  topK?: number;
  topP?: number;
  seed: number;
  engine: EngineName;
  echo?: boolean;
  json?: boolean;
}

/** The text goes to stdout as it is made, all else to stderr. */
export async function run(model: string, flags: GenerateFlags): Promise<void> {
  const { signal, dispose } = interruptSignal();
  const prompt = flags.prompt === '-' ? await readAll(process.stdin) : flags.prompt;
  const write = (piece: string) => process.stdout.write(shown(piece));
  try {
    const engine = await openEngine(flags.engine);
    if (flags.echo && !flags.json) write(flags.ids ? `${prompt} ` : prompt);
    const result = await generateText({
      ...flags,
      model,
      prompt,
      engine,
      signal,
      onText: flags.json ? undefined : write,
    });
    if (flags.json) printJson({ ...result, seed: flags.seed });
    else process.stdout.write('\n');
    console.error(describe(result));
  } finally {
    dispose();
  }
}

/** Lines and tabs stay; what a terminal could take for a command does not. */
const shown = (piece: string) =>
  piece
    .split(/([\n\t])/)
    .map((part) => (part === '\n' || part === '\t' ? part : plain(part)))
    .join('');

function describe(r: GeneratedText): string {
  const speed =
    r.tokensPerSecond === null
      ? []
      : [`${formatDecimal(r.tokensPerSecond, r.tokensPerSecond < 10 ? 1 : 0)} tokens/s`];
  const first = r.firstTokenMs === null ? [] : [`first after ${formatMs(r.firstTokenMs)}`];
  const end = r.finish === 'stop' ? ['ended by the model'] : [];
  const count = `${r.tokens} ${r.tokens === 1 ? 'token' : 'tokens'}`;
  return `  ${[count, ...speed, ...first, ...end, r.runtime].join(' · ')}`;
}
