/** Options of the commands whose request has no schema yet. */
import { type Command, Option } from 'commander';
import { dataNeeded, shared } from './shared-options.ts';
import { withMetrics } from './text-options.ts';

const withData = (command: Command) =>
  command
    .addOption(dataNeeded)
    .addOption(shared.labels)
    .addOption(shared.preprocess)
    .addOption(shared.skipBad)
    .addOption(shared.samples)
    .addOption(shared.seed)
    .addOption(shared.engine)
    .addOption(shared.json);

export /** Choices stand in the descriptions already, where they are explained. */
const optionDescription = (option: Option) =>
  ['string', 'number'].includes(typeof option.defaultValue)
    ? `${option.description} (default: ${option.defaultValue})`
    : option.description;

export const older = {
  inspect: (command: Command) =>
    command
      .addOption(new Option('--nodes', 'list every node with its name'))
      .addOption(new Option('--text', 'print it in ONNX textual syntax').conflicts(['nodes', 'json']))
      .addOption(shared.json)
      .action(async (model, o) => (await import('./inspect.ts')).run(model, o)),
  compare: (command: Command) =>
    withData(command).action(async (before, after, o) =>
      (await import('./compare.ts')).run(before, after, o),
    ),
  evaluate: (command: Command) =>
    withMetrics(withData(command)).action(async (model, o) => (await import('./evaluate.ts')).run(model, o)),
};
