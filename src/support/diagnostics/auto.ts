/** What can go wrong with a search for the best result. */
import { Diagnostic, user } from '../diagnostics.ts';

export const tooFewToChoose = (name: string, found: number, fewest: number) =>
  user(
    'TOO_FEW_TO_CHOOSE',
    `A search needs ${fewest} samples at least, to calibrate, to choose and to judge what is chosen; ${name} has ${found}.`,
    'Give more data; or leave --data out, and the search goes by made-up inputs.',
  );

/** @param nearest  what came nearest, and why it won't do, as a sentence; null where nothing came of anything */
export const nothingKeepsBudgets = (tried: number, nearest: string | null) =>
  new Diagnostic(
    'AUTO_BUDGET',
    'gate',
    `Of ${tried} results that were tried none keeps what was asked for. ${nearest ?? 'None of them could be made in that time.'} Nothing was written.`,
    'Allow more (--max-drop, --max-size, --max-latency), or give it more time (--time) and data.',
  );

/** What was chosen on some samples, judged on others. */
export const slowerThanAllowed = (took: string, allowed: string) =>
  new Diagnostic(
    'LATENCY_BUDGET',
    'gate',
    `The result takes ${took}; --max-latency allows ${allowed}. Nothing was written.`,
    'Allow more, or minimise latency.',
  );

export const untimedTarget = (option: string, target: string) =>
  user(
    'LATENCY_NOT_MEASURED',
    `${option} needs times, and what runs on the target ${target} is not timed on this machine.`,
    'Take --target wasm or node; or search without it, and profile the result on a device.',
  );

/** Nobody said how many points may be lost, and no labels tell what is right. */
export const answersNotGood = (measure: string, value: number, samples: number) =>
  new Diagnostic(
    'ANSWERS_NOT_GOOD',
    'gate',
    `The result's ${measure} is ${value.toPrecision(3)} on ${samples} samples; nothing was said of how much may be lost. Nothing was written.`,
    'Say how much may be lost: --max-drop.',
  );
