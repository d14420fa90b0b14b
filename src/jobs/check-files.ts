/** What keeps a job from doing harm: outputs that may be written, and a result that its runtime opens. */
import { existsSync, realpathSync } from 'node:fs';
import path from 'node:path';
import type { Engine, EngineName } from '../compute/engine/contract.ts';
import { openEngine } from '../compute/engine/open.ts';
import { checkOutputs } from '../ship/emit/write.ts';
import { originalRefused, resultRefused } from '../support/diagnostics/engines.ts';
import { outputIsInput } from '../support/diagnostics/files.ts';
import { Diagnostic } from '../support/diagnostics.ts';
import type { OpenedModel } from './model-files.ts';
import { openSubject } from './run-pair.ts';

/** Outputs may replace what edgepress made, but never the model that is being compressed.
 *  @throws OUTPUT_IS_INPUT and what checkOutputs throws */
export function checkTargets(
  source: Pick<OpenedModel, 'files'>,
  outputs: readonly string[],
  force: boolean,
): void {
  const inputs = new Set(source.files.map((f) => realpathSync(f)));
  for (const p of outputs) if (existsSync(p) && inputs.has(realpathSync(p))) throw outputIsInput(p);
  checkOutputs(outputs, force);
}

/** A result that the target's runtime refuses is not written, whoever's fault it is.
 *  @throws MODEL_REFUSED when it refuses the original too; RESULT_REFUSED; what else opening throws */
export async function checkOpens(
  source: Pick<OpenedModel, 'path'>,
  result: Pick<OpenedModel, 'path'>,
  runtime: EngineName,
): Promise<void> {
  const engine = await openEngine(runtime);
  const refusal = await refusalOf(engine, result.path);
  if (!refusal) return;
  const first = await refusalOf(engine, source.path);
  if (first) throw originalRefused(path.basename(source.path), first.message, first.hint);
  throw resultRefused(`${engine.name} ${engine.version}`, refusal.message, refusal);
}

/** Why a runtime does not open a model; null when it does. Lack of memory is not the model's fault and is thrown. */
export async function refusalOf(engine: Engine, file: string): Promise<Diagnostic | null> {
  try {
    await (await openSubject(engine, { path: file })).close();
    return null;
  } catch (error) {
    if (error instanceof Diagnostic && error.kind !== 'environment') return error;
    throw error;
  }
}
