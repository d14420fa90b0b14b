/** Messages about pruning. */
import { Diagnostic } from '../diagnostics.ts';

const percent = (share: number) => `${(share * 100).toFixed(1)} %`;

export const pruneTargetUnreachable = (
  what: string,
  asked: number,
  least: number,
  pinned: readonly string[],
) =>
  new Diagnostic(
    'PRUNE_TARGET_UNREACHABLE',
    'unsupported',
    `Pruning to ${percent(asked)} of the ${what} was asked for; removing all that may be removed leaves ${percent(least)}.${
      pinned.length > 0 ? ` What stays, for example: ${pinned.slice(0, 3).join('; ')}.` : ''
    }`,
    least > 0.98
      ? 'compress inspect --nodes shows the graph; --int8, --sparsity and --low-rank need no channels to go.'
      : `${
          what === 'parameters'
            ? `Ask for --prune ${Math.floor(99 - 100 * least)} % or less`
            : `Let ${percent(Math.min(1, least + 0.01))} or more stay`
        }, or keep less by name (--exclude).`,
  );

export const pruneNeeds = (option: string, needs: string, hint: string) =>
  new Diagnostic('PRUNE_NEEDS_INPUT', 'user', `Pruning by ${option} needs ${needs}; none was given.`, hint);

export const pruneTargetMissing = () =>
  new Diagnostic(
    'PRUNE_TARGET_MISSING',
    'user',
    'Pruning needs a target (a share of parameters, macs or latency that stays) or a ratio; got neither.',
    'Give target: { "macs": 0.5 }, for example.',
  );

export const blockUnknown = (index: number, count: number) =>
  new Diagnostic(
    'PRUNE_BLOCK_UNKNOWN',
    'user',
    `Block ${index} was to be removed; the model has ${count} removable block${count === 1 ? '' : 's'}${count > 0 ? ` (0 to ${count - 1})` : ''}.`,
    'List the blocks with findBlocks, or ask for a number to keep.',
  );

export const blocksTooFew = (keep: number, count: number) =>
  new Diagnostic(
    'PRUNE_BLOCKS_TOO_FEW',
    'user',
    `${keep} blocks were to be kept; the model has ${count} that can be removed.`,
    count > 0 ? `Keep ${count} or fewer.` : 'Only models with repeated residual blocks can lose blocks.',
  );

export const prunedShapesWrong = (node: string, reason: string) =>
  new Diagnostic(
    'PRUNED_SHAPES',
    'internal',
    `After pruning, the shapes around "${node}" no longer fit: ${reason}.`,
    'This is a bug in edgepress; please report it with the model.',
  );
