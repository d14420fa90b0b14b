/** The report as Markdown for a pull request: verdict, table and warnings in view, the rest folded away. */
import { reasonWords } from '../../support/reason.ts';
import { formatBytes, formatDb } from '../../support/units.ts';
import { type AccountRow, operatorsOf, roleName, storedAs } from './account.ts';
import { configText } from './config-text.ts';
import { damageRows, damageTitle } from './damage.ts';
import { dataText } from './data-text.ts';
import { cell, code, fence, folded, table, text } from './markdown-text.ts';
import { taskText } from './measure-words.ts';
import { preprocessingText } from './preprocessing-text.ts';
import type { Report } from './report.ts';
import { goalText, howText, searchHeads, searchRows, searchTitle } from './search-words.ts';
import { stepsMarkdown } from './steps.ts';
import { strippedText } from './stripped-text.ts';
import { keptGroups, layerPrecision, summaryRows, worstLayers } from './summary.ts';
import { trainingMarkdown } from './training.ts';

/** GitHub's flavour. Names from files and models are escaped: they make no links, mentions, HTML or table cells. */
export function renderMarkdown(report: Report): string {
  const marks = { good: '✅', warn: '⚠️', bad: '❌' } as const;
  const blocks = [
    `### ${marks[report.verdict.level]} ${text(report.verdict.headline)}`,
    report.verdict.warnings.map(({ level, text: words }) => `- ${marks[level]} ${text(words)}`).join('\n'),
    `${code(report.source.file)} → ${code(report.result.file)}, target ${text(report.target.name)} (${text(report.target.runtime)})`,
    summary(report),
    stepsMarkdown(report),
    tried(report),
    kept(report),
    account(report),
    (report.inFile ?? []).map((remark) => `- In the file: ${text(remark)}`).join('\n'),
    report.stripped ? `- Taken out: ${text(strippedText(report.stripped))}` : '',
    worst(report),
    damage(report),
    ...(report.training ?? []).map(trainingMarkdown),
    folded('Recipe', fence(JSON.stringify(report.recipe, null, 2) ?? 'null', 'json')),
    folded('Environment', environment(report)),
    next(report),
  ];
  return `${blocks.filter((block) => block !== '').join('\n\n')}\n`;
}

function summary(report: Report): string {
  const rows = summaryRows(report).map((row) => {
    const after = row.tone === 'bad' ? `**${text(row.after)}**` : text(row.after);
    return [
      text(row.label),
      text(row.before),
      after,
      row.tone === 'bad' ? `❌ ${text(row.note)}` : text(row.note),
    ];
  });
  return table(['', 'before', 'after', ''], ['left', 'right', 'right', 'left'], rows);
}

function tried({ search }: Report): string {
  if (!search) return '';
  const rows = searchRows(search).map(({ mark, name, size, lost, time, reason, command }) => [
    size,
    text(lost),
    time,
    mark === 'chosen' ? `**${text(name)}**` : text(name),
    text(reason || (mark === 'front' ? 'on the front' : mark)),
    cell(command),
  ]);
  const head = [...searchHeads(search), '', 'command'];
  const body = table(head, ['right', 'right', 'right', 'left', 'left', 'left'], rows);
  const why = `Wanted: ${text(goalText(search))}. Chosen: ${text(search.why)}.`;
  return `${why}\n\n${folded(`${searchTitle}: ${howText(search)}`, body)}`;
}

function kept({ layers }: Report): string {
  const groups = keptGroups(layers);
  if (groups.length === 0) return '';
  const count = groups.reduce((sum, group) => sum + group.count, 0);
  const rows = groups.map((group) => {
    const names = group.layers.slice(0, 8).map((layer) => cell(layer.name));
    const more = group.count > names.length ? ` and ${group.count - names.length} more` : '';
    return [text(group.what), text(group.reason), names.join(', ') + more];
  });
  const body = table(['layers', 'why', 'which'], ['left', 'left', 'left'], rows);
  return folded(`Left in float, or out of int8 compute: ${count} of ${layers.length} layers`, body);
}

function account({ account }: Report): string {
  if (!account) return '';
  const rows = account.rows.map((row: AccountRow) => [
    text(roleName(row)),
    storedAs(row),
    formatBytes(row.bytes),
    text(operatorsOf(row)),
    row.reason === null ? '' : text(reasonWords(row.reason)),
  ]);
  const head = ['what', 'stored as', 'bytes', 'read by', 'why'];
  const body = table(head, ['left', 'left', 'right', 'left', 'left'], rows);
  return folded(`All ${formatBytes(account.bytes)} of constants, each once`, body);
}

function worst({ layers }: Report): string {
  const rows = worstLayers(layers, 10).map((layer) => [
    cell(layer.name),
    text(layer.opType),
    layerPrecision(layer),
    formatDb(layer.sqnrDb!),
  ]);
  if (rows.length === 0) return '';
  const body = table(['layer', 'op', 'precision', 'SQNR'], ['left', 'left', 'left', 'right'], rows);
  return folded('Layers furthest from the original', body);
}

function damage(report: Report): string {
  const rows = damageRows(report).map(({ layers, sqnr, became }) => [
    layers.map(cell).join(', '),
    sqnr,
    became,
  ]);
  if (rows.length === 0) return '';
  return folded(
    damageTitle,
    table(['layers', 'SQNR of the answers', 'now'], ['left', 'right', 'left'], rows),
  );
}

function environment(report: Report): string {
  const { environment: env, data } = report;
  const runtimes = Object.entries(env.runtimes).map(([name, version]) => `${name} ${version}`);
  const lines = [
    `command: ${report.command}`,
    ...(report.config ? [`config: ${configText(report.config)}`] : []),
    `made: ${report.createdAt} by ${report.tool.name} ${report.tool.version}`,
    `precision: ${report.precision.summary}`,
    `data: ${dataText(data, report.probe)}`,
    ...(report.task ? [`task: ${taskText(report.task)}`] : []),
    `preprocessing: ${preprocessingText(data?.preprocessing ?? null)}`,
    ...(data && data.guessed.length > 0 ? [`guessed: ${data.guessed.join('; ')}`] : []),
    `machine: ${env.os}, ${env.cpu}, ${env.cores} cores, ${formatBytes(env.memoryBytes)}, Node ${env.node}`,
    `runtimes: ${runtimes.join(', ')}`,
    `source: sha256 ${report.source.sha256}`,
    `result: sha256 ${report.result.sha256}`,
  ];
  return fence(lines.join('\n'), 'text');
}

const next = (report: Report) =>
  report.next.length === 0
    ? ''
    : `Next:\n${report.next.map((step) => `- ${code(step.command)} (${text(step.why)})`).join('\n')}`;
