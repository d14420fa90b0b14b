/** Makes a student of the teacher: narrower, of fewer blocks, or another model altogether. */

import { chooseBlocks, findBlocks, removeBlocks } from '../../compress/prune/blocks.ts';
import { narrow } from '../../compress/prune/prune.ts';
import { cloneModel } from '../../model/ir/clone.ts';
import type { Model } from '../../model/ir/model.ts';
import { studentInputs } from '../../support/diagnostics/training.ts';
import { describeChange, type ModelStep, macsOf } from '../model-steps.ts';

export type StudentOptions =
  | { readonly kind: 'given'; readonly model: Model; readonly name: string }
  /** @param width  share of every width that stays @param layers  blocks that stay */
  | { readonly kind: 'made'; readonly width?: number | undefined; readonly layers?: number | undefined };

export const studentStep = (options: StudentOptions): ModelStep => ({
  name: 'student',
  async apply(teacher) {
    if (options.kind === 'given') {
      checkInputs(options.model, teacher, options.name);
      return {
        model: cloneModel(options.model),
        summary: `${options.name} · ${describeChange(macsOf(teacher), macsOf(options.model), 'MACs')}`,
      };
    }
    const student = cloneModel(teacher);
    const said: string[] = [];
    const skips = [];
    if (options.layers !== undefined) {
      const blocks = findBlocks(student);
      removeBlocks(student, chooseBlocks(blocks, options.layers));
      said.push(`${options.layers} of ${blocks.length} blocks`);
    }
    if (options.width !== undefined) {
      const { skipped } = narrow(student, options.width);
      skips.push(...skipped);
      said.push(`${Math.round(100 * options.width)} % of every width`);
    }
    return {
      model: student,
      summary: [...said, describeChange(macsOf(teacher), macsOf(student), 'MACs')]
        .filter(Boolean)
        .join(' · '),
      skips,
    };
  },
});

/** @throws STUDENT_INPUTS when the student wants an input that the data for the teacher doesn't have */
function checkInputs(student: Model, teacher: Model, name: string): void {
  const names = (m: Model) => m.graph.inputs.filter((v) => !v.constant).map((v) => v.name);
  const known = new Set(names(teacher));
  const foreign = names(student).filter((n) => !known.has(n));
  if (foreign.length > 0) throw studentInputs(name, foreign, [...known]);
}
