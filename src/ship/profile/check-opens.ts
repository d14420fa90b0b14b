/** Whether a result opens on the runtime that it is for. */
import type { Engine, EngineName } from '../../compute/engine/contract.ts';
import { holdsHalf } from '../../compute/engine/onnxruntime-node.ts';
import { openEngine } from '../../compute/engine/open.ts';
import { openOn } from '../../compute/engine/open-model.ts';
import type { Runnable } from '../../model/formats/opened.ts';
import { originalRefused, resultRefused } from '../../support/diagnostics/engines.ts';
import { Diagnostic } from '../../support/diagnostics.ts';
import { plainRefusal } from './plain-session.ts';

/** A result that the target's runtime refuses is not written, whoever's fault it is; nor one in float16 that only opens
 *  with options of ours.
 *  @throws MODEL_REFUSED when it refuses the original too; RESULT_REFUSED; what else opening throws */
export async function checkOpens(source: Runnable, result: Runnable, runtime: EngineName): Promise<void> {
  const engine = await openEngine(runtime);
  const plain = await plainFault(source, result, runtime);
  if (plain !== null) throw resultRefused(`${engine.name} ${engine.version}`, plain, null);
  const refusal = await refusalOf(engine, result);
  if (!refusal) return;
  const first = await refusalOf(engine, source);
  if (first) throw originalRefused(source.name, first.message, first.hint);
  throw resultRefused(`${engine.name} ${engine.version}`, refusal.message, refusal);
}

/** Why a result in float16 doesn't open in a session of onnxruntime-node that nobody set options for; null where it does, and
 *  where an original can't do it either: that isn't asked of its result. */
export async function plainFault(
  source: Runnable,
  result: Runnable,
  runtime: EngineName,
): Promise<string | null> {
  if (runtime !== 'node' || !(await holdsHalf(result.engineSource('path')))) return null;
  const plain = await plainRefusal(result);
  return plain !== null && (await plainRefusal(source)) === null ? plain : null;
}

/** Why a runtime does not open a model; null when it does. Lack of memory is not the model's fault and is thrown. */
export async function refusalOf(engine: Engine, model: Runnable): Promise<Diagnostic | null> {
  try {
    await (await openOn(engine, model)).close();
    return null;
  } catch (error) {
    if (error instanceof Diagnostic && error.kind !== 'environment') return error;
    throw error;
  }
}
