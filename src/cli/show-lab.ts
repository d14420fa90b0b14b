/** The device lab in a terminal: link and QR code, a line a device while it works, a table at the end. */
import ora, { type Ora } from 'ora';
import pc from 'picocolors';
import { renderUnicodeCompact } from 'uqr';
import type { LabSummary, OpenLab } from '../jobs/lab.ts';
import { speedNote } from '../judge/report/summary.ts';
import { plain } from '../judge/report/terminal.ts';
import { describeProvider, describeRun } from '../ship/lab/naming.ts';
import { fastestOf, figures, type LabDeviceResult, type LabRunResult } from '../ship/lab/results.ts';
import type { LabDevice, LabEvent } from '../ship/lab/roster.ts';
import { formatMs } from '../support/units.ts';
import { isPlain } from './progress.ts';
import { table } from './table.ts';

interface Screen {
  open(lab: OpenLab): void;
  event(event: LabEvent, devices: readonly LabDevice[]): void;
  stop(): void;
}

export const openScreen = (): Screen => (isPlain() ? plainScreen() : liveScreen());

const columns = () => Math.min(process.stderr.columns || 80, 100);

/** A line for what has happened, none for what is going on. */
function plainScreen(): Screen {
  return {
    open: (lab) => console.error(intro(lab, pc.createColors(false)).join('\n')),
    event(event) {
      const text = news(event);
      if (text !== null) console.error(`  ${event.device.id}  ${text}`);
    },
    stop() {},
  };
}

function news({ type, device, run, outcome }: LabEvent): string | null {
  if (type === 'compared' && run) return `compared  ${describeProvider(run)}: variants by turns`;
  if (type === 'joined') return `joined    ${nameOf(device)}`;
  if (type === 'resumed') return `is back   ${nameOf(device)}`;
  if (type === 'finished') return `finished  ${nameOf(device)}: ${verdict(device)}`;
  if (type !== 'measured' || !run || !outcome) return null;
  if (outcome.kind === 'failed') return `failed    ${describeRun(run)}: ${plain(outcome.message)}`;
  const { medianMs, p90Ms, resolutionMs } = figures(outcome);
  return `measured  ${describeRun(run)}: ${medianText(medianMs, resolutionMs)}, p90 ${formatMs(p90Ms)}`;
}

/** One live region: a line a device. */
function liveScreen(): Screen {
  const colours = pc.createColors(true);
  let spinner: Ora | null = null;
  const waiting = (devices: number) =>
    `${devices === 0 ? 'Waiting for devices' : 'Measuring'} · Ctrl-C ends the lab and saves`;
  return {
    open(lab) {
      console.error(intro(lab, colours).join('\n'));
      if (lab.phones !== 'none') console.error(`\n${code(lab.urls[0]!)}\n`);
      else console.error('');
      // Reading keys stays off, so that Ctrl-C reaches the process.
      spinner = ora({
        text: waiting(0),
        prefixText: ' ',
        stream: process.stderr,
        discardStdin: false,
      }).start();
    },
    event(_, devices) {
      if (!spinner) return;
      const lines = devices.map((device) => {
        const [mark, paint] = device.finishedAt === null ? ['·', String] : ['✔', colours.green];
        const text = cut(`${plain(device.facts.name)} · ${stateOf(device)}`, columns() - 8);
        return `    ${paint(mark)} ${text}`;
      });
      spinner.text = [waiting(devices.length), ...lines].join('\n');
    },
    stop() {
      spinner?.stop();
      spinner = null;
    },
  };
}

function intro(lab: OpenLab, { bold, dim, yellow }: ReturnType<typeof pc.createColors>): string[] {
  const [first = '', ...others] = lab.urls;
  const row = (label: string, text: string) => `  ${label.padEnd(12)} ${text}`;
  const lines = [
    '',
    row('lab', `${plain(lab.bundle)} · ${lab.variants} ${lab.variants === 1 ? 'variant' : 'variants'}`),
    row('open', bold(first)),
    ...others.map((url) => row('', dim(url))),
  ];
  if (lab.cables.length > 0)
    lines.push(row('cable', `${lab.cables.map(plain).join(', ')}: open ${lab.urls.at(-1)} on the phone`));
  if (lab.fingerprint !== null) {
    lines.push(row('certificate', 'self-signed: browsers warn once; go on if the fingerprint is this one'));
    lines.push(row('', dim(lab.fingerprint.slice(0, 47))), row('', dim(lab.fingerprint.slice(48))));
  }
  if (lab.phones === 'none')
    lines.push(
      row('phones', 'only this machine can reach it; --lan --https lets phones on your network join'),
    );
  if (!lab.secure)
    lines.push(
      row('', yellow('Over plain http phones have no WebGPU and one thread: add --https for all of it.')),
    );
  return lines;
}

/** Light on dark whatever the terminal's colours are: scanners want dark modules on light ground. */
const code = (url: string) =>
  renderUnicodeCompact(url, { border: 2 })
    .split('\n')
    .map((line) => `  \u001b[40;97m${line}\u001b[0m`)
    .join('\n');

const nameOf = ({ facts }: LabDevice) =>
  plain(`${facts.name} · ${facts.host}${facts.automated ? ' (emulated)' : ''}`);

const cut = (text: string, length: number) => (text.length > length ? `${text.slice(0, length - 1)}…` : text);

function stateOf(device: LabDevice): string {
  if (device.finishedAt !== null) return verdict(device);
  const { done, plan, current } = device;
  const at = current ? ` · ${describeRun(current)}` : '';
  return `${done.size}/${plan.length || '?'}${at}`;
}

function verdict(device: LabDevice): string {
  const outcomes = [...device.done.values()];
  const measured = outcomes.flatMap(({ run, outcome, against }) =>
    outcome.kind === 'measured' ? [{ ...run, measured: { ...figures(outcome), against } }] : [],
  );
  const [best, ...asFast] = fastestOf({ runs: measured, adapter: device.facts.adapter });
  const failed = outcomes.filter(({ outcome }) => outcome.kind === 'failed').length;
  const time = ({ medianMs, resolutionMs, p90Ms }: (typeof measured)[number]['measured']) =>
    `${medianText(medianMs, resolutionMs)} (p90 ${formatMs(p90Ms)})`;
  const parts = [
    best
      ? `fastest ${describeRun(best)} ${time(best.measured)}`
      : measured.length > 0
        ? 'nothing to rank'
        : 'nothing could be measured',
    ...asFast.map((run) => `${describeRun(run)} as fast within noise`),
    ...(failed > 0 ? [`${failed} failed`] : []),
  ];
  return parts.join(' · ');
}

const medianText = (medianMs: number | null, resolutionMs: number) =>
  medianMs === null ? `< ${formatMs(resolutionMs)}` : formatMs(medianMs);

export function renderSummary({ end, devices, files }: LabSummary, idleMinutes: number): string {
  const parts: string[] = [];
  if (end === 'idle') parts.push(`  Nothing happened for ${idleMinutes} min; the lab has ended.`);
  for (const device of devices) parts.push(renderDevice(device));
  if (devices.length === 0) parts.push('  No device joined.');
  if (files.length > 0) parts.push(files.map((file) => `  → ${plain(file)}`).join('\n'));
  return `\n${parts.join('\n\n')}\n`;
}

function renderDevice(device: LabDeviceResult): string {
  const head = `  ${plain(device.name)} · ${plain(device.host)}${device.automated ? ' (emulated)' : ''}`;
  const unfinished = device.finishedAt === null ? ['  It did not finish.'] : [];
  const fastest = fastestOf(device);
  const base = device.runs.find((run) => run.measured?.against)?.measured?.against?.variant;
  const rows = device.runs
    .filter(
      (run): run is LabRunResult & { measured: NonNullable<LabRunResult['measured']> } =>
        run.measured !== null,
    )
    .sort((a, b) => (a.measured.medianMs ?? 0) - (b.measured.medianMs ?? 0))
    .map((run) => [
      describeRun(run),
      medianText(run.measured.medianMs, run.measured.resolutionMs),
      formatMs(run.measured.p90Ms),
      run.measured.against ? speedNote(run.measured.against) : '',
      fastest.includes(run) ? 'fastest' : '',
    ]);
  const missing = [
    ...device.runs
      .filter((run) => run.error !== null)
      .map((run) => `  ✖ ${plain(`${describeRun(run)}: ${run.error}`)}`),
    ...device.left.map(({ variant, what, reason }) => `  – ${plain(`${variant} · ${what}: ${reason}`)}`),
    ...device.notes.map((note) => `  ${plain(note)}`),
  ];
  const figuresTable =
    rows.length > 0 ? [table(['', 'median', 'p90', base ? `than ${base}` : '', ''], rows)] : [];
  return [head, ...unfinished, ...figuresTable, ...missing].join('\n');
}
