/** The contract of a pass. A pass edits the model in place and says what it changed and what it left, with the reason. */

import type { z } from 'zod';
import type { StatisticRequest, Statistics } from '../../compute/calibrate/statistics.ts';
import type { RunContext } from '../../compute/engine/run-context.ts';
import { type Model, opset } from '../../model/ir/model.ts';
import { labelOf } from '../../model/rewrite/apply.ts';
import { opsetLimit } from '../../model/rewrite/opset/limit.ts';
import { passNeedsOpset } from '../../support/diagnostics/passes.ts';
import type { Random } from '../../support/random.ts';
import type { TargetName } from '../../support/target.ts';

/** Of the stage that a pass was in. */
export interface StageFacts {
  /** Version of ai.onnx behind it. */
  readonly opset: number;
  /** Before it; 0: the model didn't import ai.onnx. */
  readonly opsetBefore: number;
}

export interface Pass<Options extends object = object> {
  /** verb-object, equal to the file name. */
  readonly name: string;
  /** One line for `compress passes`. */
  readonly summary: string;
  /** exact: same outputs within `tolerance`; lossy: changes numbers on purpose; analysis: changes no computation. */
  readonly effect: 'exact' | 'lossy' | 'analysis';
  /** Largest absolute difference of an exact pass on seeded normal inputs; 0 (bit-equal) when absent. */
  readonly tolerance?: number;
  /** Validates options and fills defaults. Strict objects, so that a mistyped option is refused. */
  readonly options: z.ZodType<Options>;
  /** What the pass needs with these options; absent: nothing but the engine. */
  needs?(options: Options): PassNeeds;
  /** What it did, as part of a sentence for someone who never heard of the pass: "19 BatchNormalizations folded". null where
   *  that only prepares the work of others. Without this, a lossy pass is described by what became of the layers. */
  describe?(changed: number, stage: StageFacts): string | null;
  /** How early that part is said among those of its stage: the highest first. 0 when absent. */
  readonly prominence?: number;
  /** What it stores weights as, and whose: said of weights that no pass has a word for, and where it finds nothing to do. */
  readonly stores?: Storage;
  /** It opens operators that hide weights from other passes: one that it leaves is kept whole, and why is noted at the node. */
  readonly opens?: true;
  /** Its result computes with fake quantisation that training can go on from. */
  readonly trainable?: boolean;
  /** Throws a diagnostic when model, options or context lack what `needs` can't say; called before `observe` too. */
  requires?(model: Model, options: Options, context: PassContext): void;
  /** Options of which any might be the best for a model, by name, the usual ones first. Where there are samples to try them on, those
   *  are taken with which outputs stay nearest to what they were before the first lossy pass; else the usual ones. */
  ways?(options: Options, statistics: Statistics): Readonly<Record<string, Options>>;
  /** Repairs what lossy passes before it spoilt: kept only where outputs get nearer by it, and not run where that can't be tried. */
  readonly repairs?: true;
  /** Whether, with these options, it prepares the model for what the next stage loses, and computes what it did: kept only where outputs
   *  get nearer after that stage, and not run where that can't be tried. False: it is applied as it is. */
  prepares?(options: Options): boolean;
  /** Statistics that `apply` will look up; called only if the pass needs calibration. The runner collects a stage's
   *  requests and runs the data once. */
  observe?(model: Model, options: Options, context: PassContext): StatisticRequest[];
  apply(model: Model, options: Options, context: PassContext): PassResult | Promise<PassResult>;
}

export interface Storage {
  readonly form: 'int8' | 'int4' | 'float16' | 'palette' | 'zeros' | 'factors';
  /** Whose weights: "matrix products", "convolutions". */
  readonly of: readonly string[];
}

interface PassNeeds {
  /** Least version of ai.onnx: that of the operators it inserts. */
  readonly opset?: number;
  /** Statistics of values, taken on data. */
  readonly calibration?: boolean;
}

export interface PassContext extends Pick<RunContext, 'engine'> {
  /** What `observe` asked for; empty for passes that don't observe. */
  readonly statistics: Statistics;
  /** What the model was before the first lossy pass, its layers marked; null where none was so far. */
  readonly clean: Model | null;
  readonly target: TargetName;
  readonly random: Random;
}

export interface PassResult {
  /** Number of edits; 0 means the model is as it was. */
  readonly changed: number;
  readonly skipped: readonly Skip[];
}

/** Something a pass could have acted on and did not. */
export interface Skip {
  /** Node or value name. */
  readonly at: string;
  /** kebab-case code, then words if needed: "used-twice", "constant-too-large: 12 MB". */
  readonly reason: string;
}

/** Refuses a model that lacks what the pass needs. @throws PASS_NEEDS_OPSET, and what `requires` throws */
export function checkNeeds<O extends object>(
  pass: Pass<O>,
  model: Model,
  options: O,
  context: PassContext,
): void {
  const least = pass.needs?.(options).opset ?? 0;
  const have = opset(model) || opset(model, 'ai.onnx');
  if (have < least) throw passNeedsOpset(pass.name, have, least, heldBelow(model, least));
  pass.requires?.(model, options, context);
}

/** The node that no upgrade takes to an opset. */
function heldBelow(model: Model, least: number) {
  const limit = opsetLimit(model);
  if (!limit || limit.version >= least) return null;
  const { node, reason } = limit;
  return { op: node.opType, node: labelOf(node), reason };
}

/** For `describe`: a count and what was counted. */
export const counted = (one: string, many: string) => (n: number) => `${n} ${n === 1 ? one : many}`;

/** Types a pass by the schema of its options; passes/ has the ones that ship. */
export const definePass = <Options extends object>(pass: Pass<Options>): Pass<Options> => pass;
