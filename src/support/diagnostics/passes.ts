/** Messages of passes, recipes and patterns that select nodes. */
import { internal, messageOf, nearest, unsupported, user } from '../diagnostics.ts';

export const passBroke = (pass: string, cause: Error) =>
  internal('PASS_BROKE_GRAPH', `Pass ${pass} left the graph inconsistent: ${cause.message}`, cause);

export const passFailed = (pass: string, cause: unknown) =>
  internal('PASS_FAILED', `Pass ${pass} ends in a mistake of its own: ${messageOf(cause)}`, cause);

/** No smaller set of passes gives a model that serves. */
export const passesSpoil = (reason: string, cause?: unknown) =>
  internal('PASSES_SPOIL', `Whatever passes are left out, the result doesn't serve: ${reason}`, cause);

/** @param held  the node that keeps the model at an opset, where one does */
export const passNeedsOpset = (
  pass: string,
  opset: number,
  least: number,
  held: { readonly op: string; readonly node: string; readonly reason: string } | null,
) =>
  held
    ? unsupported(
        'PASS_NEEDS_OPSET',
        `Pass ${pass} needs opset ${least} or newer; ${held.op} "${held.node}" holds the model at opset ${opset}: ${held.reason}.`,
        `Export the model with that node as opset ${least} has it, or ask for something that does without pass ${pass}.`,
      )
    : user(
        'PASS_NEEDS_OPSET',
        opset === 0
          ? `Pass ${pass} needs opset ${least} or newer; the model has nodes of ai.onnx and doesn't import it.`
          : `Pass ${pass} needs opset ${least} or newer; the model is at opset ${opset}.`,
        opset === 0
          ? 'Add the import: model.opset_import.extend([onnx.helper.make_opsetid("", 17)]).'
          : 'Put the pass upgrade-opset in a stage before it, as the presets do.',
      );

export const upgradeUnsupported = (op: string, node: string, from: number, to: number, reason: string) =>
  unsupported(
    'UPGRADE_UNSUPPORTED',
    `${op} "${node}" can't be moved from opset ${from} to ${to}: ${reason}.`,
    `Export the model with opset ${to} or newer, or leave out the pass upgrade-opset.`,
  );

export const patternMatchesNothing = (pattern: string, known: readonly string[]) => {
  const near = nearest(pattern, known);
  return user(
    'PATTERN_MATCHES_NOTHING',
    `"${pattern}" matches no node, value or op type of this model.`,
    near ? `Did you mean "${near}"? compress inspect lists the names.` : 'compress inspect lists the names.',
  );
};

export const regexInvalid = (pattern: string, cause: unknown) =>
  user('PATTERN_INVALID', `${pattern} is not a regular expression: ${messageOf(cause)}.`, undefined, cause);

export const recipeInvalid = (where: string, what: string, hint?: string) =>
  user(
    'RECIPE_INVALID',
    `${where}: ${what}.`,
    hint ?? 'compress recipe --int8 prints a valid one to start from.',
  );

export const passUnknown = (name: string, known: readonly string[]) => {
  const near = nearest(name, known);
  return user(
    'PASS_UNKNOWN',
    `There is no pass called "${name}".`,
    near ? `Did you mean "${near}"? compress passes lists them all.` : 'compress passes lists them all.',
  );
};

/** What was asked for is not done by a smaller set of passes either. */
export const compressionSpoils = (pass: string, reason: string) =>
  internal(
    'COMPRESSION_SPOILS',
    `Pass ${pass} spoils this model, and without it nothing is compressed: with it, ${reason}`,
  );

/** @param where  the recipe's file, when there is one */
export const recipePassUnknown = (where: string, name: string, known: readonly string[]) => {
  const { code, message, hint } = passUnknown(name, known);
  return user(code, `${where}: ${message}`, hint);
};
