/** Makes a student of the teacher: narrower, of fewer blocks, or another model altogether. */
import type { StepPlan } from '../../compress/plan.ts';
import { chooseBlocks, findBlocks, removeBlocks } from '../../compress/prune/blocks.ts';
import { narrow } from '../../compress/prune/prune.ts';
import { cloneModel } from '../../model/ir/clone.ts';
import type { Model } from '../../model/ir/model.ts';
import { studentInputs } from '../../support/diagnostics/training.ts';
import { describeChange, type ModelStep, macsOf } from '../model-steps.ts';
import type { JobRun } from '../progress.ts';
import { readModel } from '../read-model.ts';

type StudentPlan = Extract<StepPlan, { readonly kind: 'student' | 'student-file' }>;

export async function studentStep(plan: StudentPlan, run: JobRun): Promise<ModelStep> {
  if (plan.kind === 'student') return madeStudent(plan);
  const { model, name } = await readModel(plan.path, { layout: plan.layout }, run);
  return givenStudent(model, name);
}

const givenStudent = (student: Model, name: string): ModelStep => ({
  name: 'student',
  async apply(teacher) {
    checkInputs(student, teacher, name);
    const change = describeChange(macsOf(teacher), macsOf(student), 'MACs');
    return { model: cloneModel(student), summary: `${name} · ${change}` };
  },
});

/** Narrower, of fewer blocks, or both. */
const madeStudent = ({ width, layers }: Extract<StudentPlan, { readonly kind: 'student' }>): ModelStep => ({
  name: 'student',
  async apply(teacher) {
    const student = cloneModel(teacher);
    const said: string[] = [];
    const skips = [];
    if (layers !== undefined) {
      const blocks = findBlocks(student);
      removeBlocks(student, chooseBlocks(blocks, layers));
      said.push(`${layers} of ${blocks.length} blocks`);
    }
    if (width !== undefined) {
      const { skipped } = narrow(student, width);
      skips.push(...skipped);
      said.push(`${Math.round(100 * width)} % of every width`);
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
