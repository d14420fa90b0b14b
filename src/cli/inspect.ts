/** compress inspect <model> */
import { z } from 'zod';
import { inspectRequest } from '../jobs/requests/inspect.ts';
import { field } from '../support/field.ts';
import { defineCommand } from './command.ts';
import { json } from './printing-fields.ts';

const nodes = z
  .boolean()
  .default(false)
  .meta(field(null, '--nodes', 'list every node with its name'));
const text = z
  .boolean()
  .default(false)
  .meta(field(null, '--text', 'print it in ONNX textual syntax', { conflicts: ['nodes', 'json'] }));

export const command = defineCommand({
  request: inspectRequest.extend({ nodes, text, json }),
  async run([path = ''], { nodes, text, json, task, ...choice }) {
    const { readModel } = await import('../jobs/read-model.ts');
    const { runJob } = await import('./run-job.ts');
    const { inspectModel } = await import('../jobs/inspect.ts');
    const { describeInspection, modelText, nodeList } = await import('./show-inspection.ts');
    const opened = await runJob(false, (run) => readModel(path, choice, run));
    if (text) return console.log(modelText(opened.model));
    const inspection = await inspectModel(opened, task);
    if (json) return (await import('./print-json.ts')).printJson(inspection);
    console.log(describeInspection(opened.model, inspection));
    if (nodes) console.log(nodeList(opened.model));
  },
});
