/** What data is understood as, as text. */
import { sharesText } from '../data/prepare-data.ts';
import type { DataInspection, ShownInput, ShownSample } from '../jobs/data.ts';
import { labelled, plain } from '../judge/report/terminal.ts';
import { counted, formatBytes, formatInteger } from '../support/units.ts';

export function describeDataInspection(found: DataInspection): string {
  const lines: string[] = [];
  const options = { colour: false, width: Math.min(process.stdout.columns || 80, 100) };
  const row = (label: string, text: string) => lines.push(labelled(label, text, options).trimEnd());
  lines.push(plain(found.source));
  row('kind', kinds[found.kind]);
  for (const { name, type } of found.inputs) row('input', `${name}  ${type}`);
  row('labels', labelsText(found));
  const preset = found.preprocessing?.['name'];
  if (typeof preset === 'string') row('preprocessing', preset);
  const { calibration, comparison } = found.split;
  row('split', sharesText({ calibration, training: 0, comparison: formatInteger(comparison) }));
  if (found.leftOut.length > 0)
    row('left out', `${found.leftOut.length}: ${found.leftOut.slice(0, 5).join(', ')}`);
  for (const text of found.guessed) row('guessed', text);
  for (const sample of found.shown) lines.push('', ...sampleLines(sample));
  const { written } = found;
  if (written)
    lines.push(
      '',
      `  → ${plain(written.path)}   ${counted(written.samples, 'sample')}, ${formatBytes(written.bytes)}`,
    );
  return lines.join('\n');
}

const kinds: Readonly<Record<DataInspection['kind'], string>> = {
  images: 'pictures',
  text: 'text',
  sound: 'recordings',
  npy: 'arrays (.npy)',
  npz: 'arrays (.npz)',
  bin: 'bare numbers (.bin)',
  files: 'files for each input',
  synthetic: 'made-up numbers',
};

function labelsText({ labelled, labelsUnused, classes, annotated }: DataInspection): string {
  if (labelsUnused !== null) return `not used: ${labelsUnused}`;
  if (!labelled && !annotated) return 'none';
  if (annotated && !classes) return annotated;
  if (!classes) return 'class indices';
  const named = classes.slice(0, 6).join(', ');
  return `${annotated ? `${annotated} of ` : ''}${classes.length} classes: ${named}${classes.length > 6 ? ' …' : ''}`;
}

function sampleLines({ id, label, className, annotation, inputs, text }: ShownSample): string[] {
  const said = annotation
    ? `   ${annotation}`
    : label === null
      ? ''
      : `   label ${label}${className === null ? '' : ` (${plain(className)})`}`;
  return [
    `  ${plain(id)}${said}`,
    ...inputs.map((input) => `    ${plain(input.name)}  ${input.type}  ${rangeText(input)}`),
    ...(text === null ? [] : [`    ${JSON.stringify(plain(text))}`]),
  ];
}

const rangeText = ({ range }: ShownInput) =>
  range === null ? 'empty' : `${short(range.min)} to ${short(range.max)}, mean ${short(range.mean)}`;

const short = (value: number) => String(Number(value.toPrecision(4)));
