/** What a run of `compress` is given, once its model is open and what was asked for is planned. */
import type { ConfigUse } from '../compress/merge-config.ts';
import type { Plan } from '../compress/plan.ts';
import type { CalibrationCache } from '../compute/calibrate/calibration-cache.ts';
import type { Search } from '../judge/report/search.ts';
import type { OpenedModel } from '../model/formats/opened.ts';
import type { JobRun } from './progress.ts';

export interface CompressFileOptions extends JobRun {
  readonly opened: OpenedModel;
  /** Where it came from, for the report: a path, or its name. */
  readonly input: string;
  /** Path of the compressed model. */
  readonly output: string;
  readonly plan: Plan;
  /** The configuration file that some of the plan came from. */
  readonly config?: ConfigUse | undefined;
  readonly cache: CalibrationCache | null;
  /** What was tried before this was chosen, whose budgets hold here, too; absent where nothing was. */
  readonly search?: Search | undefined;
  /** What was typed or called, for the report. */
  readonly command: string;
}
