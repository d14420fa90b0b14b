import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { choicesOf, field, fieldsOf, orText, positive, wholeNumberOrAll } from '../../src/support/field.ts';
import { parseRequest } from '../../src/support/parse-request.ts';

const request = z.strictObject({
  mode: z
    .enum(['static', 'dynamic'])
    .optional()
    .meta(field('Data', '--mode <how>', 'how')),
  maxDrop: z
    .number()
    .default(1)
    .meta(field('Budget', '--max-drop <points>', 'points')),
  learningRate: z
    .number()
    .optional()
    .meta(field('Training', '--lr <rate>', 'rate')),
  quick: z
    .boolean()
    .optional()
    .meta(field('Data', '--quick', 'quick', { conflicts: ['mode'] })),
  samples: wholeNumberOrAll.optional().meta(field('Data', '--samples <n>', 'samples')),
  pairs: z
    .array(orText(z.strictObject({ a: z.string() }), (text) => (text ? { a: text } : undefined), 'A pair.'))
    .default([])
    .meta(field('Data', '--pair <a>', 'pairs')),
});

const refusal = (given: unknown, spelling?: 'option') => {
  try {
    parseRequest(request, given, spelling);
  } catch (error) {
    return error as { code: string; message: string; hint: string };
  }
  throw new Error('nothing was refused');
};

describe('a request', () => {
  it('gets its defaults, and texts become what they say', () => {
    expect(parseRequest(request, { samples: 'all', pairs: ['x', { a: 'y' }] })).toEqual({
      maxDrop: 1,
      samples: Number.MAX_SAFE_INTEGER,
      pairs: [{ a: 'x' }, { a: 'y' }],
    });
  });

  it('with a field that there is not is refused, with the one that was meant', () => {
    expect(refusal({ maxdrop: 1 })).toMatchObject({ code: 'UNKNOWN_OPTION' });
    expect(refusal({ maxdrop: 1 }).hint).toContain('"maxDrop"');
    // As the option is called on a command line.
    expect(refusal({ lr: 1 }).hint).toContain('"learningRate"');
  });

  it('with a value that can not be is refused, by the name under which it was given', () => {
    expect(refusal({ mode: 'statik' })).toMatchObject({ code: 'INVALID_ARGUMENT' });
    expect(refusal({ mode: 'statik' }).hint).toContain('static');
    expect(refusal({ maxDrop: 'much' }).message).toContain('"maxDrop"');
    expect(refusal({ maxDrop: 'much' }, 'option').message).toContain('--max-drop');
    expect(refusal('int8').code).toBe('INVALID_ARGUMENT');
  });

  it('with fields that exclude each other is refused, unless one of them is off', () => {
    expect(refusal({ mode: 'static', quick: true }).code).toBe('CONFLICTING_OPTION');
    expect(parseRequest(request, { mode: 'static', quick: false }).mode).toBe('static');
  });
});

describe('a field', () => {
  it('knows its default, whether it is needed, and what it can be', () => {
    const fields = Object.fromEntries(
      fieldsOf(z.strictObject({ n: positive, d: positive.default(3), o: positive.optional() })).map((f) => [
        f.key,
        [f.default, f.isRequired],
      ]),
    );
    expect(fields).toEqual({ n: [undefined, true], d: [3, false], o: [undefined, false] });
    expect(choicesOf(z.union([z.boolean(), z.enum(['a', 'b'])]).optional())).toEqual(['a', 'b']);
    expect(choicesOf(wholeNumberOrAll)).toEqual([]);
  });
});
