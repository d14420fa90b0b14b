/** The contract of a pass. A pass edits the model in place and says what it changed and what it left, with the reason. */
import type { z } from 'zod';
import type { StatisticRequest, Statistics } from '../../compute/calibrate/statistics.ts';
import type { Engine } from '../../compute/engine/contract.ts';
import { type Model, opset } from '../../model/ir/model.ts';
import { passNeedsOpset } from '../../support/diagnostics/passes.ts';
import type { Random } from '../../support/random.ts';
import type { TargetName } from '../quant/kernels.ts';

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
  /** Throws a diagnostic when the model or the context lacks what the pass needs; called before `observe` too. */
  requires?(model: Model, options: Options, context: PassContext): void;
  /** Statistics that `apply` will look up. The runner collects a stage's requests and runs the data once. */
  observe?(model: Model, options: Options, context: PassContext): StatisticRequest[];
  apply(model: Model, options: Options, context: PassContext): PassResult | Promise<PassResult>;
}

export interface PassContext {
  /** Computes small graphs and constants; never the user's data. */
  readonly engine: Engine;
  /** What `observe` asked for; empty for passes that don't observe. */
  readonly statistics: Statistics;
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

/** For `requires`: the pass inserts operators that the model's opset must have. @throws PASS_NEEDS_OPSET */
export function requireOpset(model: Model, pass: string, least: number): void {
  const have = opset(model) || opset(model, 'ai.onnx');
  if (have < least) throw passNeedsOpset(pass, have, least);
}

export const definePass = <Options extends object>(pass: Pass<Options>): Pass<Options> => pass;
