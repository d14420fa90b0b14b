import { writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { t5, t5Tiny } from '../../src/model/build/networks/t5.ts';
import { encodeModel } from '../../src/model/formats/onnx/write.ts';
import { writeAlphabet } from '../judge/generate/alphabet-model.ts';
import { createWorkspace, type Workspace } from './program.ts';

let w: Workspace;
beforeAll(() => {
  w = createWorkspace();
  writeAlphabet(w.path('alphabet.onnx'));
  writeFileSync(w.path('letters.json'), '{"a":0,"b":1,"c":2,"d":3,"e":4}');
  for (const part of ['encoder', 'decoder'] as const)
    writeFileSync(w.path(`${part}.onnx`), encodeModel(t5({ ...t5Tiny, part })));
});
afterAll(() => w.remove());

const generate = (...args: string[]) => w.run(['generate', 'alphabet.onnx', ...args]);
const letters = ['--tokenizer', 'letters.json'];

describe('compress generate', () => {
  it('writes the text on stdout, how fast on stderr', async () => {
    const { code, stdout, stderr } = await generate('--prompt', 'ab', ...letters, '--max-tokens', '6');
    expect([code, stdout]).toEqual([0, 'cdeabc\n']);
    expect(stderr).toMatch(/6 tokens · [\d .]+ tokens\/s · first after .* · wasm/);
  });

  it('ends at a stop token, after the prompt when asked for it', async () => {
    const { stdout, stderr } = await generate('--prompt', 'ab', '--echo', '--stop', 'e', ...letters);
    expect(stdout).toBe('abcd\n');
    expect(stderr).toContain('ended by the model');
  });

  it('takes and gives ids, one JSON document', async () => {
    const { stdout } = await generate('--prompt', '3,4', '--ids', '--max-tokens', '3', '--json');
    expect(JSON.parse(stdout)).toMatchObject({
      kind: 'window',
      text: '0 1 2',
      ids: [0, 1, 2],
      promptTokens: 2,
      tokens: 3,
      finish: 'length',
      seed: 0,
    });
  });

  it('runs an encoder and its decoder', async () => {
    const args = ['--encoder', 'encoder.onnx', '--prompt', '5 6 7', '--ids', '--max-tokens', '4', '--json'];
    const { code, stdout } = await w.run(['generate', 'decoder.onnx', ...args]);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ kind: 'encoder-decoder', promptTokens: 3, tokens: 4 });
  });

  it.each([
    ['words without tokeniser', ['alphabet.onnx', '--prompt', 'ab'], 'TOKENIZER_REQUIRED', 2],
    ['an encoder alone', ['encoder.onnx', '--prompt', '1', '--ids'], 'NOT_A_DECODER', 3],
    ['a share above 1', ['alphabet.onnx', '--prompt', '1', '--top-p', '1.5'], 'INVALID_ARGUMENT', 2],
  ])('refuses %s', async (_, args, code, exit) => {
    const outcome = await w.run(['generate', ...args]);
    expect(outcome.stderr).toContain(code);
    expect([outcome.stdout, outcome.code]).toEqual(['', exit]);
  });
});
