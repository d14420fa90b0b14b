/** Reads fixtures of passes: why · === · model · @@@ · expected model or JSON · (@@@ · options JSON). */
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { targetNames } from '../src/support/target.ts';

const expectationSchema = z.union([
  z.strictObject({ expect: z.literal('unchanged'), skip: z.string().optional() }),
  /** A diagnostic with this code, and the model left as it was. */
  z.strictObject({ expect: z.literal('error'), code: z.string() }),
]);

/** Keys with $ tell the runner; all others are the pass's own options. */
const settingsSchema = z.looseObject({
  /** Sizes for symbolic dimensions; 2 where not given. */
  $dims: z.record(z.string(), z.number()).default({}),
  /** Shapes of inputs whose shape the model leaves open. */
  $inputs: z.record(z.string(), z.array(z.number())).default({}),
  /** Ranges that the pass finds among its statistics, by value name. */
  $ranges: z.record(z.string(), z.tuple([z.number(), z.number()])).default({}),
  /** How far means of answers lie beside, by channel, that the pass finds among its statistics, by value name. */
  $shifts: z.record(z.string(), z.array(z.number())).default({}),
  /** How large channels get, that the pass finds among its statistics, by value name. */
  $peaks: z.record(z.string(), z.array(z.number())).default({}),
  /** What the pass is to serve. */
  $target: z.enum(targetNames).default('wasm'),
  /** Skips that come with a changed model. */
  $skip: z.array(z.string()).default([]),
  /** Integers fed to integer inputs are in [0, $integers). */
  $integers: z.number().default(2),
  /** false: the models are not run, because no engine takes them; the sentence has to say why. */
  $run: z.boolean().default(true),
});

export interface Fixture {
  readonly why: string;
  readonly model: string;
  readonly expected: string | z.infer<typeof expectationSchema>;
  readonly settings: z.infer<typeof settingsSchema>;
  readonly options: Readonly<Record<string, unknown>>;
}

export function readFixture(path: string): Fixture {
  const text = readFileSync(path, 'utf8');
  const at = text.indexOf('\n===\n');
  if (at < 0) throw new Error(`${path}: no line "===" after the sentence that says why the case exists.`);
  const [model, expected, settingsText, ...more] = text.slice(at + 5).split(/^@@@$/m);
  if (model === undefined || expected === undefined || more.length > 0)
    throw new Error(`${path}: expected model @@@ expected (@@@ options), found ${more.length + 3} parts.`);
  const settings = settingsSchema.parse(settingsText ? JSON.parse(settingsText) : {});
  return {
    why: text.slice(0, at).trim(),
    model: model.trim(),
    expected: expected.trim().startsWith('{')
      ? expectationSchema.parse(JSON.parse(expected))
      : expected.trim(),
    settings,
    options: Object.fromEntries(Object.entries(settings).filter(([key]) => !key.startsWith('$'))),
  };
}

/** The fixture's text with another expected part. */
export function withExpected(path: string, expected: string): string {
  const text = readFileSync(path, 'utf8');
  const parts = text.split(/^@@@$/m);
  parts[1] = `\n${expected.trim()}\n`;
  return parts.join('@@@');
}
