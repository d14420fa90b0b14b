/** Whether what a recipe makes serves: it opens on the target's runtime, in float16 with no options of ours, and runs on seeded inputs
 *  where the source does. As far as nothing lossy was done it computes the same there; after that it gives finite numbers where
 *  the source does. All of it in a process that the runtime may end. */
import type { Candidate } from '../compress/pipeline/leave-out.ts';
import type { EngineName } from '../compute/engine/contract.ts';
import type { Stoppable } from '../compute/engine/run-context.ts';
import { syntheticInputs } from '../data/synthetic.ts';
import { type OpenedModel, openedFromModel } from '../model/formats/opened.ts';
import { isFloat } from '../model/ir/dtype.ts';
import { portsOf } from '../model/ir/port.ts';
import { numbers, type Tensor, tensorOf } from '../model/ir/tensor.ts';
import { plainFault } from '../ship/profile/check-opens.ts';
import { type Tried, tryModels } from '../ship/profile/trial.ts';
import { originalRefused } from '../support/diagnostics/engines.ts';
import { Diagnostic } from '../support/diagnostics.ts';
import { createRandom } from '../support/random.ts';
import { formatPercent } from '../support/units.ts';

type Feeds = Readonly<Record<string, Tensor>>;
type Outputs = Readonly<Record<string, Tensor>>;

interface JudgeOptions extends Stoppable {
  readonly engine: EngineName;
  /** Whether ranges were measured: what leaves float16 only on made-up numbers is no fault then. */
  readonly hasRealData?: boolean;
}

/** Beyond this share of an output's size (by norms) two models disagree. Exact passes round otherwise than the source, in
 *  half floats by thousandths a layer; mistakes change results by their own size. */
const disagreement = 0.05;

/** Larger models are opened once, in this process: a trial holds the source beside what was made of it. */
const largestTried = 256e6;

export const isTried = ({ sizeBytes }: Pick<OpenedModel, 'sizeBytes'>): boolean => sizeBytes <= largestTried;

/** Why one of the models doesn't serve, as part of a sentence; null where all do. */
export type Judge = (candidates: readonly Candidate[]) => Promise<string | null>;

/** A source whose answers change by more than this when its inputs change by a hundred-thousandth, or when it runs again, says
 *  nothing about others: it ranks, rounds or draws. */
const restless = disagreement / 10;

/** @returns a function that says why one of the models doesn't serve; null where all do
 *  @throws (that function) MODEL_REFUSED where the runtime doesn't open the source either */
export function createJudge(
  source: OpenedModel,
  { engine, signal, hasRealData = false }: JudgeOptions,
): Judge {
  const feeds = feedsFor(source);
  const runs = feeds ? [feeds, nudged(feeds)] : [];
  let reference: Tried | null = null;
  const plain = async (model: OpenedModel) => {
    const fault = await plainFault(source, model, engine);
    return fault && `it opens in no session without options of ours: ${fault}`;
  };
  return async (candidates) => {
    const known = reference;
    const trials = candidates.map(({ model, exact }) => ({
      model: openedFromModel(model, 'result.onnx'),
      runs: feeds && (!known || (exact ? steady(known) : answers(known))) ? [feeds] : [],
    }));
    const all = await tryModels(known ? trials : [{ model: source, runs }, ...trials], { engine, signal });
    const first = known ?? all[0]!;
    reference = first;
    const tried = known ? all : all.slice(1);
    for (const [i, result] of tried.entries()) {
      const refused =
        refusalOf(result, first, { sourceName: source.name, exact: candidates[i]!.exact, hasRealData }) ??
        (await plain(trials[i]!.model));
      if (refused !== null) return refused;
    }
    return null;
  };
}

interface Judged {
  readonly sourceName: string;
  readonly exact: boolean;
  readonly hasRealData: boolean;
}

function refusalOf(
  { opened, failed, outputs: [found] }: Tried,
  reference: Tried,
  { sourceName, exact, hasRealData }: Judged,
): string | null {
  if (failed?.kind === 'environment') throw failed;
  if (failed && !opened) {
    if (reference.failed && !reference.opened)
      throw originalRefused(sourceName, reference.failed.message, reference.failed.hint);
    return failed.message;
  }
  // What the source doesn't answer, nobody can compare.
  if (!(exact ? steady(reference) : answers(reference))) return null;
  if (failed) return failed.message;
  if (!found) return null;
  if (exact) return disagreementOf(reference.outputs[0]!, found);
  return hasRealData ? null : overflowOf(reference.outputs, found);
}

/** Whether the source answers, both times. */
const answers = ({ outputs }: Tried): boolean => outputs.length === 2;

/** Whether it does so alike, on inputs that are all but alike. */
const steady = (tried: Tried): boolean => {
  const [a, b] = tried.outputs;
  return answers(tried) && Object.keys(a!).every((k) => distance(a![k]!, b![k]!) <= restless);
};

/** An output that isn't finite though the source's is, both times. */
function overflowOf(expected: readonly Outputs[], found: Outputs): string | null {
  const hasNumbers = (t: Tensor | undefined) => t && (!isFloat(t.dtype) || numbers(t).every(Number.isFinite));
  const spoilt = Object.keys(found).find(
    (k) => expected.every((e) => hasNumbers(e[k])) && !hasNumbers(found[k]),
  );
  return spoilt === undefined
    ? null
    : `output "${spoilt}" is not finite on seeded inputs, where the original's is`;
}

function disagreementOf(expected: Outputs, found: Outputs): string | null {
  for (const [name, tensor] of Object.entries(expected)) {
    const other = found[name];
    const share = other ? distance(tensor, other) : Number.POSITIVE_INFINITY;
    if (!(share <= disagreement))
      return Number.isFinite(share)
        ? `output "${name}" differs from the original's by ${formatPercent(share)} on seeded inputs`
        : `output "${name}" has another shape or type than the original's, or is not finite where that is`;
  }
  return null;
}

/** The norm of the difference against the norm of the first, where that is finite; Infinity for other shapes and types, or
 *  where only the second isn't finite. */
function distance(a: Tensor, b: Tensor): number {
  if (a.dtype !== b.dtype || a.dims.join() !== b.dims.join()) return Number.POSITIVE_INFINITY;
  if (a.dtype === 'string') return 0;
  const [x, y] = [numbers(a), numbers(b)];
  let [size, error] = [0, 0];
  for (let i = 0; i < x.length; i++) {
    if (!Number.isFinite(x[i]!)) continue;
    size += x[i]! ** 2;
    error += (x[i]! - y[i]!) ** 2;
  }
  if (!Number.isFinite(error)) return Number.POSITIVE_INFINITY;
  // Around zero, rounding is all there is.
  return Math.sqrt(error / Math.max(size, 1e-8 * x.length, Number.MIN_VALUE));
}

/** Seeded inputs; null where nothing fits by nature (strings, unknown ranks). */
function feedsFor({ model }: OpenedModel): Feeds | null {
  try {
    return syntheticInputs(portsOf(model), { seed: 0 });
  } catch (error) {
    if (error instanceof Diagnostic && error.code === 'SYNTHETIC_TYPE') return null;
    throw error;
  }
}

/** The same, floats moved by a hundred-thousandth. */
function nudged(feeds: Feeds): Feeds {
  const random = createRandom(1);
  return Object.fromEntries(
    Object.entries(feeds).map(([name, t]) => [
      name,
      isFloat(t.dtype)
        ? tensorOf(
            t.dtype,
            t.dims,
            numbers(t).map((v) => v * (1 + 1e-5 * random.normal())),
          )
        : t,
    ]),
  );
}
