/** A sweep while it goes on: lines for a log, or JSON for a program. */

import type { Board } from '../jobs/sweep/board.ts';
import type { SweepWatch } from '../jobs/sweep.ts';
import type { SweepReport, SweepRow } from '../judge/report/sweep-report.ts';
import {
  durationText,
  latencyText,
  lostText,
  qualityText,
  rowText,
  sizeText,
} from '../judge/report/sweep-words.ts';
import { printJson } from './print-json.ts';

interface WatchFlags {
  readonly quiet: boolean;
  readonly json: boolean;
}

export interface WatchedSweep extends Required<SweepWatch> {
  tell(event: string, report: SweepReport): void;
  /** The state that was seen last. */
  last(): SweepReport | null;
  stop(): void;
}

export function watchSweep({ quiet, json }: WatchFlags): WatchedSweep {
  let last: SweepReport | null = null;
  const told = new Set<string>();
  const say = (text: string) => {
    if (!quiet && !json) console.error(`  ${text}`);
  };
  const changed = (board: Board) => {
    last = board.report();
    for (const row of last.jobs) {
      if (isOver(row.status)) once(told, row.key, () => news(row, last!));
      for (const time of row.latency)
        if (isOver(time.status)) once(told, time.key, () => timeNews(row, time, last!));
    }
  };
  const news = (row: SweepRow, report: SweepReport) => {
    if (json) printJson({ event: 'job', ...row });
    else say(jobLine(row, report));
  };
  const timeNews = (row: SweepRow, time: SweepRow['latency'][number], report: SweepReport) => {
    if (json) return printJson({ event: 'latency', of: row.key, ...time });
    const { measured, error } = time;
    const what = measured ? latencyText(measured) : `failed: ${error?.code}`;
    say(
      `${place(report)} ${row.model} for ${row.target}: ${rowText(row, report)} · on ${time.device} ${what}`,
    );
  };
  return {
    begun(board) {
      last = board.report();
      const { counts, time, where } = last;
      if (json) printJson({ event: 'begin', counts, time, where });
      say(`${counts.jobs} jobs · ${counts.found} found from before · ${where}`);
      if (time.estimatedMs !== null) say(`about ${durationText(time.estimatedMs)}, ${time.from}`);
      changed(board);
    },
    changed,
    note(text) {
      if (json) printJson({ event: 'note', text });
      say(text);
    },
    tell: (event, report) => printJson({ event, report }),
    last: () => last,
    stop() {},
  };
}

const isOver = (status: SweepRow['status']) => status === 'done' || status === 'failed';

function once(told: Set<string>, key: string, tell: () => void): void {
  if (told.has(key)) return;
  told.add(key);
  tell();
}

const place = ({ counts }: SweepReport) => `${counts.done + counts.failed}/${counts.jobs}`;

function jobLine(row: SweepRow, report: SweepReport): string {
  const name = `${row.model} for ${row.target}: ${rowText(row, report)}`;
  const { metrics, error } = row;
  if (!metrics) return `${place(report)} ${name} · failed: ${error?.code}`;
  const lost = metrics.pointsLost === null ? '' : `, ${lostText(metrics)} points lost`;
  const found = row.found ? ' · found' : '';
  return `${place(report)} ${name} · ${sizeText(metrics)}, ${qualityText(metrics)}${lost}${found}`;
}
