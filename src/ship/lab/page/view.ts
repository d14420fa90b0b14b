/** Draws the lab page. Everything that comes from elsewhere goes in as text, never as markup. */
import { formatMs } from '../../../support/units.ts';
import type { DeviceFacts, DoneRun, LeftOut, Outcome, Run } from '../messages.ts';
import { describeProvider, runKey } from '../naming.ts';
import { type Ranked, rank } from './ranking.ts';
import type { Step } from './tasks.ts';

interface View {
  status(title: string, detail: string, tone?: 'good' | 'bad'): void;
  device(facts: DeviceFacts): void;
  plan(runs: readonly Run[], left: readonly LeftOut[]): void;
  progress(run: Run, step: Step, fraction: number): void;
  outcome(run: Run, outcome: Outcome): void;
  /** The bars give way to the table; failures stay below it. */
  table(results: readonly DoneRun[], device: DeviceFacts): void;
}

const steps: Readonly<Record<Step, string>> = {
  download: 'loading',
  start: 'starting',
  measure: 'measuring',
};

export function createView(): View {
  const rows = new Map<string, Row>();
  return {
    status(title, detail, tone) {
      setText('status', title);
      setText('detail', detail);
      document.title = `${title} · edgepress lab`;
      document.body.className = tone ?? '';
    },
    device({ name, host, cores, adapter, notes }) {
      const parts = [name, host, cores ? `${cores} cores` : '', adapter ? `GPU: ${adapter}` : ''];
      setText('device', parts.filter(Boolean).join(' · '));
      byId('notes').replaceChildren(...notes.map((note) => create('li', '', note)));
      byId('notes').hidden = notes.length === 0;
    },
    plan(runs, left) {
      rows.clear();
      for (const run of runs) rows.set(runKey(run), createRow(run));
      byId('runs').replaceChildren(...[...rows.values()].map((row) => row.item));
      byId('left').hidden = left.length === 0;
      byId('left').querySelector('summary')!.textContent = `${left.length} not measured here`;
      byId('left')
        .querySelector('ul')!
        .replaceChildren(
          ...left.map(({ variant, what, reason }) => {
            const item = create('li');
            item.append(create('b', '', `${variant} · ${what}`), ` ${reason}`);
            return item;
          }),
        );
    },
    progress: (run, step, fraction) => rows.get(runKey(run))?.progress(steps[step], fraction),
    outcome: (run, outcome) => rows.get(runKey(run))?.outcome(outcome),
    table(results, device) {
      for (const { run, outcome } of results) {
        rows.get(runKey(run))?.outcome(outcome);
        if (outcome.kind === 'measured') rows.get(runKey(run))?.item.remove();
      }
      const ranked = rank(results, device);
      byId('results').hidden = ranked.length === 0;
      if (ranked.length > 0) byId('results').replaceChildren(createTable(ranked));
    },
  };
}

interface Row {
  readonly item: HTMLElement;
  progress(text: string, fraction: number): void;
  outcome(outcome: Outcome): void;
}

function createRow(run: Run): Row {
  const item = create('li');
  const line = create('div', 'line');
  const figure = create('span', 'figure', 'waiting');
  const track = create('div', 'track');
  const bar = create('span');
  track.append(bar);
  line.append(nameOf(run), figure);
  item.append(line, track);
  return {
    item,
    progress(text, fraction) {
      figure.textContent = text;
      bar.style.transform = `translateX(${(fraction - 1) * 100}%)`;
    },
    outcome(outcome) {
      item.className = outcome.kind === 'measured' ? 'done' : 'failed';
      item.querySelector('.why')?.remove();
      if (outcome.kind === 'failed') {
        figure.textContent = 'failed';
        item.append(create('p', 'why', outcome.message));
      } else figure.textContent = rank([{ run, outcome }], { adapter: null })[0]!.median;
    },
  };
}

function createTable(ranked: readonly Ranked[]): HTMLElement {
  const table = create('table');
  const head = create('tr');
  head.append(...['Variant', 'Median', 'p90'].map((text) => headCell('col', text)));
  const body = create('tbody');
  for (const { run, median, p90Ms, isFastest, isSoftware } of ranked) {
    const row = create('tr', isFastest ? 'fastest' : '');
    const name = headCell('row');
    name.append(nameOf(run));
    if (isFastest) name.append(create('span', 'mark', 'fastest'));
    if (isSoftware) name.append(create('span', 'mark', 'no GPU, not ranked'));
    row.append(name, create('td', '', median), create('td', '', formatMs(p90Ms)));
    body.append(row);
  }
  const top = create('thead');
  top.append(head);
  table.append(
    create('caption', '', 'Time of one run, median and 90th percentile, fastest first'),
    top,
    body,
  );
  return table;
}

function headCell(scope: 'row' | 'col', text = ''): HTMLElement {
  const cell = create('th', '', text);
  cell.setAttribute('scope', scope);
  return cell;
}

function nameOf(run: Run): HTMLElement {
  const name = create('span', 'name', run.variant);
  name.append(create('span', 'how', describeProvider(run)));
  return name;
}

const byId = (id: string) => document.getElementById(id)!;

function setText(id: string, text: string): void {
  const element = byId(id);
  // A live region speaks at every change.
  if (element.textContent !== text) element.textContent = text;
}

function create(tag: string, className = '', text = ''): HTMLElement {
  const element = document.createElement(tag);
  if (className) element.className = className;
  if (text) element.textContent = text;
  return element;
}
