/** The live table of a sweep: how far it is, what runs, and the best so far; drawn again as long as it goes on. */
import ora from 'ora';
import pc from 'picocolors';
import type { Board } from '../jobs/sweep/board.ts';
import type { SweepReport } from '../judge/report/sweep-report.ts';
import {
  bestOf,
  durationText,
  groupsOf,
  lostText,
  qualityText,
  rowText,
  sizeText,
} from '../judge/report/sweep-words.ts';
import { type Cell, renderTable } from '../judge/report/terminal.ts';

export interface LiveSweep {
  changed(): void;
  /** Makes room for a line above; what follows draws it again. */
  clear(): void;
  stop(): void;
}

const drawEveryMs = 500;

export function liveSweep(board: Board): LiveSweep {
  const spinner = ora({
    text: '',
    prefixText: ' ',
    stream: process.stderr,
    isEnabled: true,
    discardStdin: false,
  });
  let isNew = true;
  let lines: string[] = [];
  const draw = () => {
    const width = Math.min(process.stderr.columns || 80, 100) - 2;
    if (isNew) lines = bestLines(board.report(), width);
    isNew = false;
    const rows = Math.max(6, (process.stderr.rows || 24) - 4);
    spinner.text = [
      progressLine(board),
      '',
      ...[...runningLines(board, width), '', ...lines].slice(0, rows),
    ].join('\n');
  };
  draw();
  spinner.start();
  const timer = setInterval(draw, drawEveryMs);
  return {
    changed() {
      isNew = true;
    },
    clear: () => void spinner.clear(),
    stop() {
      clearInterval(timer);
      spinner.stop();
    },
  };
}

const barWidth = 20;

/** "████░░░░  12 of 21 done · 2 run · 1 failed · 40 s left" */
export function progressLine(board: Board): string {
  const { jobs, done, failed, found } = board.counts();
  const filled = Math.round((barWidth * (done + failed)) / Math.max(1, jobs));
  const parts = [
    `${done} of ${jobs} done${found > 0 ? ` (${found} found)` : ''}`,
    `${board.running().size} run`,
    ...(failed > 0 ? [pc.red(`${failed} failed`)] : []),
    `${durationText(board.time().tookMs)} so far`,
    ...leftText(board),
  ];
  return `${'█'.repeat(filled)}${pc.dim('░'.repeat(barWidth - filled))}  ${parts.join(' · ')}`;
}

/** By the pace so far once there is one, by the estimate before. */
function leftText(board: Board): string[] {
  const { estimatedMs, tookMs } = board.time();
  const { jobs, done, failed, found } = board.counts();
  const [own, left] = [done + failed - found, jobs - done - failed];
  if (left === 0) return board.running().size > 0 ? ['times are taken'] : [];
  const byPace = own >= 3 ? (tookMs / own) * left : null;
  const ms = byPace ?? (estimatedMs === null ? null : estimatedMs - tookMs);
  return ms === null || ms <= 0 ? [] : [`about ${durationText(ms)} left`];
}

const mostRunning = 8;

function runningLines(board: Board, width: number): string[] {
  const all = [...board.running()];
  const rows = all.slice(0, mostRunning).map(([key, { step, since }]): Cell[] => {
    const about = board.about(key);
    const title = about ? `${about.row.model} for ${about.row.target}: ${board.nameOf(about.row)}` : key;
    return [
      { text: title },
      { text: step, tone: 'dim' },
      { text: durationText(Date.now() - since), tone: 'dim' },
    ];
  });
  const more: Cell[][] =
    all.length > mostRunning ? [[{ text: `and ${all.length - mostRunning} more`, tone: 'dim' }]] : [];
  return tableLines([...rows, ...more], width);
}

const mostBest = 8;

/** The smallest of each model that is sound. */
function bestLines(report: SweepReport, width: number): string[] {
  const rows = groupsOf(report).flatMap(({ title, rows }): Cell[][] => {
    const best = bestOf(rows);
    if (best === null) return [];
    const { metrics } = best;
    const texts = [rowText(best, report), sizeText(metrics!), qualityText(metrics!), lostText(metrics!)];
    return [[{ text: title, tone: 'bold' }, ...texts.map((text) => ({ text }))]];
  });
  const head: Cell[] = ['best so far', '', 'size', 'quality', 'lost'].map((text) => ({ text, tone: 'dim' }));
  return rows.length === 0 ? [] : tableLines([head, ...rows.slice(0, mostBest)], width);
}

const tableLines = (rows: readonly Cell[][], width: number): string[] =>
  rows.length === 0 ? [] : renderTable(rows, { colour: true, width }).trimEnd().split('\n');
