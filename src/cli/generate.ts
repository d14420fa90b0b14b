/** compress generate <model> --prompt …: the text goes to stdout as it is made, all else to stderr. */
import { text as readAll } from 'node:stream/consumers';
import { z } from 'zod';
import { type GenerateRequest, generateRequest } from '../jobs/requests/generate.ts';
import { field } from '../support/field.ts';
import { defineCommand } from './command.ts';
import { json } from './printing-fields.ts';

const echo = z
  .boolean()
  .default(false)
  .meta(field('Output', '--echo', 'print the prompt before the text'));

export const command = defineCommand({
  configured: 'generate',
  request: generateRequest.extend({ echo, json }),
  async run([model = ''], request) {
    const { interruptSignal } = await import('./interrupt.ts');
    const { signal, dispose } = interruptSignal();
    try {
      await write(model, request, signal);
    } finally {
      dispose();
    }
  },
});

type Request = GenerateRequest & { readonly echo: boolean; readonly json: boolean };

async function write(model: string, request: Request, signal: AbortSignal): Promise<void> {
  const { describeGenerated, shown } = await import('./show-generated.ts');
  const { openEngine } = await import('../compute/engine/open.ts');
  const { generateText } = await import('../jobs/generate-text.ts');
  const { echo, json, ids, seed } = request;
  const prompt = request.prompt === '-' ? await readAll(process.stdin) : request.prompt;
  const onText = (piece: string) => process.stdout.write(shown(piece));
  const engine = await openEngine(request.engine);
  if (echo && !json) onText(ids ? `${prompt} ` : prompt);
  const result = await generateText({
    ...request,
    model,
    prompt,
    engine,
    signal,
    onText: json ? undefined : onText,
  });
  if (json) (await import('./print-json.ts')).printJson({ ...result, seed });
  else process.stdout.write('\n');
  console.error(describeGenerated(result));
}
