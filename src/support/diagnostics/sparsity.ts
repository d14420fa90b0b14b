/** Messages about zeros in weights, low rank and palettes. */
import { Diagnostic } from '../diagnostics.ts';

export const sparsityTargetMissing = () =>
  new Diagnostic(
    'SPARSITY_TARGET_MISSING',
    'user',
    'Zeros in weights need exactly one of sparsity (a share), threshold or pattern; none or several were given.',
    'Give sparsity: 0.5, for example, or pattern: "2:4".',
  );

export const patternInvalid = (text: string) =>
  new Diagnostic(
    'SPARSITY_PATTERN',
    'user',
    `"${text}" is not an N:M pattern: N of every M neighbours stay, 1 ≤ N < M ≤ 32.`,
    'Write 2:4, for example.',
  );

export const sparsityNeedsMoments = (score: string, layer: string) =>
  new Diagnostic(
    'SPARSITY_NEEDS_DATA',
    'user',
    `Score "${score}" needs what "${layer}" is multiplied with; no samples were run.`,
    'Pass samples with --data, or score by magnitude.',
  );

export const lowRankNeedsMoments = (layer: string) =>
  new Diagnostic(
    'LOW_RANK_NEEDS_DATA',
    'user',
    `Low rank by output error needs what "${layer}" is multiplied with; no samples were run.`,
    'Pass samples with --data, or set data: false to go by the weights alone.',
  );

export const lowRankTargetMissing = () =>
  new Diagnostic(
    'LOW_RANK_TARGET',
    'user',
    'Low rank needs exactly one of energy, error, target or rank; none or several were given.',
    "Give error: 0.05, for example: the part of a layer's output that may be lost.",
  );
