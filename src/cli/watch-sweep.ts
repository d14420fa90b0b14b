/** A sweep while it goes on: a table that is drawn again on a terminal, lines in a log, JSON for a program. */
import type { Board } from '../jobs/sweep/board.ts';
import type { SweepWatch } from '../jobs/sweep.ts';
import type { SweepReport, SweepRow } from '../judge/report/sweep-report.ts';
import { durationText, latencyText, lostText, qualityText, sizeText } from '../judge/report/sweep-words.ts';
import { plain } from '../judge/report/terminal.ts';
import { type LiveSweep, liveSweep } from './live-sweep.ts';
import { printJson } from './print-json.ts';
import { isPlain } from './progress.ts';

interface WatchFlags {
  readonly quiet: boolean;
  readonly json: boolean;
}

export interface WatchedSweep extends Required<SweepWatch> {
  tell(event: string, report: SweepReport): void;
  /** null where nothing has begun. */
  counts(): SweepReport['counts'] | null;
  /** Clears what is drawn. */
  stop(): void;
}

export function watchSweep({ quiet, json }: WatchFlags): WatchedSweep {
  let counts: SweepReport['counts'] | null = null;
  let live: LiveSweep | null = null;
  const say = (text: string) => {
    if (quiet || json) return;
    live?.clear();
    console.error(`  ${plain(text)}`);
  };
  const tellEnd = (board: Board, key: string) => {
    const { row, time } = board.about(key)!;
    if (json) printJson(time ? { event: 'latency', of: row.key, ...time } : { event: 'job', ...row });
    // What is done stands in the live table; what failed stays to be seen.
    else if (!live || (time ?? row).error) say(time ? timeLine(board, row, time) : jobLine(board, row));
  };
  return {
    begun(board) {
      const { estimatedMs, from } = board.time();
      counts = board.counts();
      if (json) printJson({ event: 'begin', counts, time: board.time(), where: board.where });
      say(`${counts.jobs} jobs · ${counts.found} found from before · ${board.where}`);
      if (estimatedMs !== null) say(`about ${durationText(estimatedMs)}, ${from}`);
      for (const { key } of board.report().jobs) if (board.isOver(key)) tellEnd(board, key);
      if (!quiet && !json && !isPlain()) live = liveSweep(board);
    },
    changed(board, key) {
      if (counts === null) return;
      counts = board.counts();
      if (board.isOver(key)) tellEnd(board, key);
      live?.changed();
    },
    note(text) {
      if (json) printJson({ event: 'note', text });
      say(text);
    },
    tell: (event, report) => printJson({ event, report }),
    counts: () => counts,
    stop() {
      live?.stop();
      live = null;
    },
  };
}

const titleOf = (board: Board, row: SweepRow) => `${row.model} for ${row.target}: ${board.nameOf(row)}`;

function place(board: Board): string {
  const { done, failed, jobs } = board.counts();
  return `${done + failed}/${jobs}`;
}

function jobLine(board: Board, row: SweepRow): string {
  const { metrics, error } = row;
  const title = `${place(board)} ${titleOf(board, row)}`;
  if (!metrics) return `${title} · failed: ${error?.code}`;
  const lost = metrics.pointsLost === null ? '' : `, ${lostText(metrics)} points lost`;
  return `${title} · ${sizeText(metrics)}, ${qualityText(metrics)}${lost}${row.found ? ' · found' : ''}`;
}

function timeLine(
  board: Board,
  row: SweepRow,
  { device, measured, error }: SweepRow['latency'][number],
): string {
  const what = measured ? latencyText(measured) : `failed: ${error?.code}`;
  return `${place(board)} ${titleOf(board, row)} · on ${device} ${what}`;
}
