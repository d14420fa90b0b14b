import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Engine, Session } from '../../../src/compute/engine/contract.ts';
import { buildKernel, type KernelBuilder, openKernel } from '../../../src/compute/engine/kernel.ts';
import { openWasmEngine } from '../../../src/compute/engine/onnxruntime-web.ts';
import type { Decoder, DecoderRun } from '../../../src/judge/generate/decoder.ts';
import { scoresAt } from '../../../src/judge/generate/decoder.ts';
import { generateAll } from '../../../src/judge/generate/generate.ts';
import { openDecoder } from '../../../src/judge/generate/open.ts';
import { gpt2, gpt2Tiny } from '../../../src/model/build/networks/gpt2.ts';
import { t5, t5Tiny } from '../../../src/model/build/networks/t5.ts';
import type { Model, Value } from '../../../src/model/ir/model.ts';
import { tensorOf } from '../../../src/model/ir/tensor.ts';

let engine: Engine;
const sessions: Session[] = [];
beforeAll(async () => {
  engine = await openWasmEngine(() => import('onnxruntime-web'));
});
afterAll(async () => {
  for (const session of sessions) await session.close();
});

async function open(model: Model): Promise<Session> {
  const session = await openKernel(engine, model);
  sessions.push(session);
  return session;
}

const kernel = (build: (b: KernelBuilder) => void) => open(buildKernel(build));
const integers = (...values: number[]) => tensorOf('int64', [values.length], values);

/** Logits that are highest for the token after each: one-hot of (id + 1) mod 5. */
function successor(b: KernelBuilder, ids: Value): Value {
  const next = b.op('Mod', [
    b.op('Add', [ids, b.constant(tensorOf('int64', [], [1]))]),
    b.constant(tensorOf('int64', [], [5])),
  ]);
  const onOff = b.constant(tensorOf('float32', [2], [0, 1]));
  return b.op('OneHot', [next, b.constant(integers(5)), onOff]);
}

const rows = [
  [3, 14, 15, 9, 2, 6],
  [5, 3, 5, 8, 9, 7],
];

/** Largest difference of the last scores of two runs, over all rows. */
function difference(a: DecoderRun['logits'], b: DecoderRun['logits']): number {
  return Math.max(
    ...rows.map((_, r) => {
      const other = scoresAt(b, r);
      return Math.max(...scoresAt(a, r).map((x, i) => Math.abs(x - other[i]!)));
    }),
  );
}

describe('a decoder with a key–value cache', () => {
  let cached: Decoder;
  let plain: Decoder;
  beforeAll(async () => {
    const limit = { maxLength: gpt2Tiny.context };
    cached = openDecoder(await open(gpt2({ ...gpt2Tiny, cache: true })), limit);
    plain = openDecoder(await open(gpt2({ ...gpt2Tiny, cache: false })), limit);
  });

  it('is found by its names, one without by its lack of them', () => {
    expect([cached.kind, plain.kind]).toEqual(['cache', 'window']);
  });

  it('scores as the same network without cache does, feeding new tokens only', async () => {
    const [a, b] = [await cached.start(rows), await plain.start(rows)];
    // Sums of 48 float32 products in two orders: 1e-5 of scores around 1.
    expect(difference(a.logits, b.logits)).toBeLessThan(1e-5);
    for (const next of [
      [[1], [2]],
      [
        [4, 0, 7],
        [6, 6, 1],
      ],
    ]) {
      const [x, y] = [await a.advance(next), await b.advance(next)];
      expect([x.length, y.length]).toEqual([next[0]!.length, next[0]!.length]);
      expect(difference(x, y)).toBeLessThan(1e-5);
    }
  });

  it('goes on after the last position that it knows, with the last half of the text', async () => {
    const text = Array.from({ length: gpt2Tiny.context }, (_, i) => (i * 7) % 32);
    const full = await cached.start([text]);
    const after = await full.advance([[9]]);
    const half = await cached.start([[...text, 9].slice(-gpt2Tiny.context / 2)]);
    const expected = scoresAt(half.logits, 0);
    expect(Math.max(...scoresAt(after, 0).map((x, i) => Math.abs(x - expected[i]!)))).toBeLessThan(1e-5);
    const [tokens] = await generateAll(cached, [text], { maxTokens: 70 });
    expect(tokens).toHaveLength(70);
  });
});

describe('a decoder without memory', () => {
  it('sees the last tokens of a text that is longer than it reads', async () => {
    const session = await open(gpt2({ ...gpt2Tiny, cache: false }));
    const text = Array.from({ length: 80 }, (_, i) => (i * 5) % 32);
    const run = await openDecoder(session, { maxLength: 64 }).start([text]);
    const whole = await openDecoder(session).start([text.slice(-64)]);
    expect(run.logits).toEqual(whole.logits);
    const [tokens] = await generateAll(openDecoder(session, { maxLength: 64 }), [text], { maxTokens: 3 });
    expect(tokens).toHaveLength(3);
  });

  it('fills up a fixed length behind the text, and a fixed batch', async () => {
    const session = await kernel((b) => {
      const ids = b.input('input_ids', 'int64', [2, 4]);
      b.output('logits', successor(b, ids), 'float32', [2, 4, 5]);
    });
    const decoder = openDecoder(session);
    expect([decoder.maxLength, decoder.maxBatch]).toEqual([4, 2]);
    const prompts = [[3], [0, 1], [2], [4]];
    const texts = await generateAll(decoder, prompts, { maxTokens: 6 });
    expect(texts).toEqual([
      [4, 0, 1, 2, 3, 4],
      [2, 3, 4, 0, 1, 2],
      [3, 4, 0, 1, 2, 3],
      [0, 1, 2, 3, 4, 0],
    ]);
  });

  it('is given masks, positions and token types where it asks for them', async () => {
    const session = await kernel((b) => {
      const dims = ['batch', 'tokens'];
      const inputs = ['input_ids', 'attention_mask', 'position_ids', 'token_type_ids'] as const;
      const [ids, mask, places, types] = inputs.map((name) => b.input(name, 'int64', dims));
      // Right only where the mask is 1, types are 0 and positions count from 0: ids·mask + types + positions − 0, 1, …
      const counted = b.op('CumSum', [mask!, b.constant(tensorOf('int64', [], [1]))]);
      const off = b.op('Sub', [b.op('Add', [places!, mask!]), counted]);
      const sum = b.op('Add', [b.op('Mul', [ids!, mask!]), b.op('Add', [types!, off])]);
      b.output('logits', successor(b, sum), 'float32', ['batch', 'tokens', 5]);
    });
    expect(await generateAll(openDecoder(session), [[0, 2]], { maxTokens: 4 })).toEqual([[3, 4, 0, 1]]);
  });
});

describe('a recurrent decoder', () => {
  /** Its state adds up the tokens; the best next token is the sum modulo 5. */
  const adding = (input: string, output: string, tokens: number | string = 'tokens') =>
    kernel((b) => {
      const ids = b.input('tokens', 'int64', ['batch', tokens]);
      const state = b.input(input, 'float32', [1, 'batch', 1]);
      const flat = b.op('Reshape', [state, b.constant(integers(-1, 1))]);
      const axis = b.constant(tensorOf('int64', [], [1]));
      const sums = b.op('Add', [b.op('CumSum', [b.op('Cast', [ids], { to: 1 }), axis]), flat]);
      const wrapped = b.op('Sub', [b.op('Cast', [sums], { to: 7 }), b.constant(tensorOf('int64', [], [1]))]);
      const starts = b.constant(integers(-1));
      const last = b.op('Slice', [sums, starts, b.constant(integers(9999)), b.constant(integers(1))]);
      b.output('scores', successor(b, wrapped), 'float32', ['batch', tokens, 5]);
      const stated = b.op('Reshape', [last, b.constant(integers(1, -1, 1))]);
      b.output(output, stated, 'float32', [1, 'batch', 1]);
    });

  it.each([
    ['h0', 'h0_out'],
    ['state_in', 'state_out'],
    ['hidden', 'next_hidden'],
    ['s', 'anything'],
  ])('feeds back its state (%s → %s), zeros at first', async (input, output) => {
    const decoder = openDecoder(await adding(input, output));
    expect(decoder.kind).toBe('recurrent');
    // 1+3 = 4; 4+4 = 8 → 3; 8+3 = 11 → 1; 12 → 2. And 0+2 = 2; 4; 8 → 3; 11 → 1.
    const texts = await generateAll(
      decoder,
      [
        [1, 3],
        [0, 2],
      ],
      { maxTokens: 4 },
    );
    expect(texts).toEqual([
      [4, 3, 1, 2],
      [2, 4, 3, 1],
    ]);
  });

  it('reads a prompt token by token where the graph takes one', async () => {
    const decoder = openDecoder(await adding('h0', 'h0_out', 1));
    const run = await decoder.start([[1, 3]]);
    expect(run.logits).toMatchObject({ batch: 1, length: 2, vocabulary: 5 });
    expect([...run.logits.values]).toEqual([0, 1, 0, 0, 0, 0, 0, 0, 0, 1]);
  });
});

describe('an encoder and its decoder', () => {
  it('write what the two in one graph write', async () => {
    const encoder = await open(t5({ ...t5Tiny, part: 'encoder' }));
    const decoder = openDecoder(await open(t5({ ...t5Tiny, part: 'decoder' })), { encoder });
    const joint = openDecoder(await open(t5({ ...t5Tiny, part: 'joint' })));
    expect([decoder.kind, joint.kind]).toEqual(['encoder-decoder', 'encoder-decoder']);
    const [a, b] = [await decoder.start(rows), await joint.start(rows)];
    expect(a.logits.length).toBe(1);
    // As above; scores of some tens.
    expect(difference(a.logits, b.logits)).toBeLessThan(1e-4);
    const next = [[7], [8]];
    expect(difference(await a.advance(next), await b.advance(next))).toBeLessThan(1e-4);
  });

  it('keep what a merged decoder made of the encoder in its first run', async () => {
    const encoder = await kernel((b) => {
      const ids = b.input('input_ids', 'int64', ['batch', 'source']);
      const states = b.op('Unsqueeze', [b.op('Cast', [ids], { to: 1 }), b.constant(integers(2))]);
      b.output('last_hidden_state', states, 'float32', ['batch', 'source', 1]);
    });
    const merged = await kernel((b) => {
      const ids = b.input('input_ids', 'int64', ['batch', 'tokens']);
      const states = b.input('encoder_hidden_states', 'float32', ['batch', 'source', 1]);
      const past = b.input('past_key_values.0.decoder.key', 'float32', ['batch', 1, 'past', 1]);
      const kept = b.input('past_key_values.0.encoder.key', 'float32', ['batch', 1, 'source_past', 1]);
      const use = b.op('Cast', [b.input('use_cache_branch', 'bool', [1])], { to: 7 });
      // All of the states in the first run, none later.
      const count = b.op('Mul', [b.op('Sub', [b.constant(integers(1)), use]), b.constant(integers(99))]);
      const made = b.op('Slice', [
        b.op('Unsqueeze', [states, b.constant(integers(1))]),
        b.constant(integers(0)),
        count,
        b.constant(integers(2)),
      ]);
      const all = b.op('Concat', [kept, made], { axis: 2 });
      const sum = b.op('ReduceSum', [all, b.constant(integers(1, 2, 3))], { keepdims: 0 });
      const offset = b.op('Unsqueeze', [b.op('Cast', [sum], { to: 7 }), b.constant(integers(1))]);
      b.output('logits', successor(b, b.op('Add', [ids, offset])), 'float32', ['batch', 'tokens', 5]);
      const keys = b.op('Unsqueeze', [b.op('Cast', [ids], { to: 1 }), b.constant(integers(1, 3))]);
      const grown = b.op('Concat', [past, keys], { axis: 2 });
      b.output('present.0.decoder.key', grown, 'float32', ['batch', 1, 'all', 1]);
      b.output('present.0.encoder.key', made, 'float32', ['batch', 1, 'source', 1]);
    });
    const decoder = openDecoder(merged, { encoder });
    // From 0, each token is the one before plus 1 plus the sum of the source, 3 or 5 (that is 0), modulo 5.
    const texts = await generateAll(
      decoder,
      [
        [1, 2],
        [4, 1],
      ],
      { maxTokens: 4 },
    );
    expect(texts).toEqual([
      [4, 3, 2, 1],
      [1, 2, 3, 4],
    ]);
  });

  it('begin with the start token given', async () => {
    const session = await open(t5({ ...t5Tiny, part: 'joint' }));
    const [zero, five] = [openDecoder(session), openDecoder(session, { startTokens: [5] })];
    const [a, b] = [await zero.start(rows), await five.start(rows)];
    expect(difference(a.logits, b.logits)).toBeGreaterThan(0.1);
  });
});

describe('a graph that can not generate', () => {
  const refused = (code: string, text: string) =>
    expect.objectContaining({ code, message: expect.stringContaining(text) });

  it('is told apart: no token ids', async () => {
    const session = await kernel((b) => {
      const x = b.input('x', 'float32', [1, 8]);
      b.output('logits', x, 'float32', [1, 8]);
    });
    expect(() => openDecoder(session)).toThrow(refused('NOT_A_DECODER', 'token ids'));
  });

  it('a classifier of texts', async () => {
    const session = await kernel((b) => {
      const ids = b.input('input_ids', 'int64', ['batch', 'tokens']);
      const scores = b.op('ReduceMean', [successor(b, ids), b.constant(integers(1))], { keepdims: 0 });
      b.output('logits', scores, 'float32', ['batch', 5]);
    });
    expect(() => openDecoder(session)).toThrow(refused('NOT_A_DECODER', 'logits'));
  });

  it('an input that nothing feeds', async () => {
    const session = await kernel((b) => {
      const ids = b.input('input_ids', 'int64', ['batch', 'tokens']);
      const speaker = b.input('speaker', 'float32', [1, 1, 5]);
      b.output('logits', b.op('Add', [successor(b, ids), speaker]), 'float32', ['batch', 'tokens', 5]);
    });
    expect(() => openDecoder(session)).toThrow(refused('DECODER_INPUT_UNKNOWN', 'speaker'));
  });

  it('half of a pair, and an encoder too many or of another kind', async () => {
    const half = await open(t5({ ...t5Tiny, part: 'decoder' }));
    const plain = await open(gpt2({ ...gpt2Tiny, cache: false }));
    const joint = await open(t5({ ...t5Tiny, part: 'joint' }));
    expect(() => openDecoder(half)).toThrow(refused('ENCODER_REQUIRED', 'encoder_hidden_states'));
    expect(() => openDecoder(plain, { encoder: half })).toThrow(refused('ENCODER_UNUSED', 'input_ids'));
    expect(() => openDecoder(half, { encoder: joint })).toThrow(
      refused('NOT_AN_ENCODER', 'decoder_input_ids'),
    );
  });

  it('an empty prompt', async () => {
    const decoder = openDecoder(await open(gpt2({ ...gpt2Tiny, cache: true })));
    await expect(decoder.start([[]])).rejects.toThrow(refused('PROMPT_EMPTY', 'prompt'));
  });
});
