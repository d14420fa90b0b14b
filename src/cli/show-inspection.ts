/** What is in a model, as text. */
import type { Inspection } from '../jobs/inspect.ts';
import type { ModelProblems } from '../judge/analyze/facts.ts';
import { functionLines } from '../judge/analyze/functions.ts';
import { holdingLines } from '../judge/report/account.ts';
import { taskText } from '../judge/report/measure-words.ts';
import { macsNote } from '../judge/report/summary.ts';
import { labelled, plain } from '../judge/report/terminal.ts';
import { printModel } from '../model/formats/onnx-text/index.ts';
import { cloneModel } from '../model/ir/clone.ts';
import { type Model, opKey } from '../model/ir/model.ts';
import { formatType } from '../model/ir/type.ts';
import { nodesOf } from '../model/ir/walk.ts';
import { inferShapes } from '../model/ops/shapes.ts';
import { Diagnostic } from '../support/diagnostics.ts';
import { formatBytes, formatCount } from '../support/units.ts';

/** In ONNX's textual syntax. */
export const modelText = (model: Model): string =>
  printModel(model, { maxElements: 8 }).split('\n').map(plain).join('\n');

export function describeInspection(model: Model, f: Inspection): string {
  const { problems, largestWeights: largest } = f;
  const lines: string[] = [];
  const options = { colour: false, width: Math.min(process.stdout.columns || 80, 100) };
  const row = (label: string, text: string) => lines.push(labelled(label, text, options).trimEnd());
  lines.push(plain(f.file));
  row(
    'size',
    `${formatBytes(f.sizeBytes)} · gzip ${bytes(f.gzipBytes)} · brotli ${bytes(f.brotliBytes)}${f.brotliQuality === undefined ? '' : ` (quality ${f.brotliQuality} of 11)`}`,
  );
  row(
    'cost',
    `${formatCount(f.parameters)} parameters · ${f.macs === null ? 'MACs unknown' : `${formatCount(f.macs)} MACs ${macsNote(f)}`.trimEnd()}`,
  );
  const asOnnx = `opset ${f.opset} · ${f.nodes} ${f.nodes === 1 ? 'node' : 'nodes'}`;
  const makers = `made by ${f.producer || 'unknown'}`;
  if (f.format === 'ONNX') row('format', `${asOnnx} · ${makers}`);
  else row('format', `${f.format} · ${makers} · read as ONNX, ${asOnnx}`);
  for (const p of f.inputs) row('input', `${p.name}  ${p.type}`);
  for (const p of f.outputs) row('output', `${p.name}  ${p.type}`);
  row('task', taskText(f.task));
  row(
    'ops',
    Object.entries(f.ops)
      .map(([op, n]) => `${n} ${op}`)
      .join(', '),
  );
  for (const [i, text] of holdingLines(f.account).entries()) row(i === 0 ? 'constants' : '', text);
  for (const [i, w] of largest.entries())
    row(i === 0 ? 'largest weights' : '', `${formatBytes(w.bytes)}  ${w.name}  ${w.type}`);
  for (const [i, text] of functionLines(model).entries()) row(i === 0 ? 'functions' : '', text);
  for (const text of problemLines(problems)) row('note', text);
  return lines.join('\n');
}

const bytes = (n: number | null) => (n === null ? 'not measured' : formatBytes(n));

function problemLines(p: ModelProblems): string[] {
  const lines: string[] = [];
  if (p.refused !== null) lines.push(p.refused);
  for (const c of p.nonFinite)
    lines.push(`constant "${c.name}" holds ${c.nan} NaN and ${c.infinite} infinite elements`);
  for (const [op, n] of Object.entries(p.unknownOps))
    lines.push(`${n} ${op}: no operator that onnxruntime has`);
  if (p.unusedInitializers.length > 0)
    lines.push(`${p.unusedInitializers.length} weights are read by nothing`);
  return lines;
}

/** Every node: operator, name, and the type of its first output as far as it can be inferred. */
export const nodeList = (model: Model) =>
  [...nodesOf(typed(model))]
    .map((n) => {
      const out = n.outputs.find((v) => v);
      return `  ${opKey(n).padEnd(22)} ${plain(n.name || out?.name || '')}  ${out ? formatType(out.type) : ''}`;
    })
    .join('\n');

/** A copy in which values have types; as it is where its functions can't be expanded. */
function typed(model: Model): Model {
  const copy = cloneModel(model);
  try {
    inferShapes(copy);
  } catch (error) {
    if (!(error instanceof Diagnostic)) throw error;
  }
  return copy;
}
