/** Entry of the process that jobs are done in: one after the other, until its parent is gone. */
import { tmpdir } from 'node:os';
import { openModel } from '../../model/formats/open-file.ts';
import type { DeviceClass } from '../../support/device-class.ts';
import { nothingMeasured } from '../../support/diagnostics/devices.ts';
import { endWithParent } from '../../support/end-with-parent.ts';
import { askToCompress, carryOut } from '../compress.ts';
import { checkDevice } from '../profile.ts';
import type { JobEvents } from '../progress.ts';
import { readModel } from '../read-model.ts';
import { checkRequest } from '../requests/check.ts';
import { timeResult } from '../time-result.ts';
import { failureOf } from './failure.ts';
import { keyOf } from './job.ts';
import type { CompressTask, JobAnswer, JobTask, TimeTask } from './job-messages.ts';
import { sweepMetrics } from './metrics.ts';
import { requestOf } from './recipe.ts';

endWithParent({ parent: process.ppid, code: 1 });
process.on('message', (task: JobTask) => {
  perform(task)
    .catch((error: unknown): JobAnswer => ({ failed: failureOf(error) }))
    .then(tell);
});

const tell = (answer: JobAnswer) => void process.send?.(answer);
const events: JobEvents = { begin: (step) => tell({ step }) };

const perform = (task: JobTask): Promise<JobAnswer> =>
  task.kind === 'compress' ? compressed(task) : timed(task);

async function compressed({ job, model, inputs, output }: CompressTask): Promise<JobAnswer> {
  const { recipe, target, seed } = job;
  // Names in the report are then those in the folder.
  process.chdir(output);
  try {
    const asked = await askToCompress(requestOf(recipe, { target, seed, inputs }), 'field');
    const command = `a job of compress sweep: ${(await keyOf(job)).slice(0, 12)}`;
    const { report } = await carryOut(model, asked, { command, events, output: './' });
    const files = report.files.filter((file) => !file.endsWith('.report.md'));
    return { compressed: sweepMetrics(report), files };
  } finally {
    // That folder will go.
    process.chdir(tmpdir());
  }
}

/** The device that stands for a class here, and the provider in it. */
const devices: Readonly<
  Record<DeviceClass, { readonly name: string; readonly provider?: 'webgpu' | 'wasm' }>
> = {
  wasm: { name: 'wasm' },
  node: { name: 'node' },
  gpu: { name: 'chromium', provider: 'webgpu' },
  phone: { name: 'chromium:phone', provider: 'wasm' },
};

async function timed({ job, model, result }: TimeTask): Promise<JobAnswer> {
  const { name, provider } = devices[job.device];
  checkDevice(name);
  const { sizes } = job;
  const original = await readModel(model, { sizes });
  const base = {
    kind: 'model' as const,
    name: original.name,
    model: original,
    sizeBytes: original.sizeBytes,
  };
  const asked = checkRequest.parse({ device: [name], ...(provider && { provider: [provider] }) });
  const [found] = await timeResult(name, openModel(result), base, asked, { events });
  if (!found || 'reason' in found) throw nothingMeasured(found ? [found.reason] : []);
  const { medianMs, intervalMs, beside, on } = found;
  const originalMs = beside !== null && typeof beside === 'object' ? beside.medianMs : null;
  return {
    timed: {
      device: job.device,
      medianMs,
      interval: [...intervalMs],
      originalMs,
      share: originalMs === null ? null : medianMs / originalMs,
      on,
    },
  };
}
