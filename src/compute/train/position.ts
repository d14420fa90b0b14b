/** How far a run has come: all of it but its tensors, so that it can be saved and go on later. */
import type { Tensor } from '../../model/ir/tensor.ts';

/** Where a run is saved so that it can go on after it was killed. */
export interface CheckpointStore {
  load(): Promise<Checkpoint | null>;
  /** Replaces the one before, all or nothing. */
  save(checkpoint: Checkpoint): Promise<void>;
  /** Steps between two saves. */
  readonly every: number;
}

export interface Checkpoint {
  readonly position: RunPosition;
  readonly tensors: Readonly<Record<string, Tensor>>;
}

/** Plain JSON. */
export interface RunPosition {
  /** Identifies settings and graph; a checkpoint of another run is refused. */
  readonly run: string;
  readonly steps: number;
  readonly history: readonly EpochRecord[];
  readonly best: { readonly epoch: number; readonly metric: number } | null;
  /** Sums over the epoch under way. */
  readonly partial: { readonly batches: number; readonly loss: number; readonly accuracy: number };
}

export interface EpochRecord {
  /** 1 for the first. */
  readonly epoch: number;
  /** Mean over the epoch's batches, as they were met. */
  readonly loss: number;
  readonly accuracy: number | null;
  readonly learningRate: number;
  /** Held-out metric; null when not measured. */
  readonly metric: number | null;
}

const noBatches = { batches: 0, loss: 0, accuracy: 0 } as const;

export const startPosition = (run: string): RunPosition => ({
  run,
  steps: 0,
  history: [],
  best: null,
  partial: noBatches,
});

export function afterBatch(
  position: RunPosition,
  steps: number,
  { loss, accuracy }: { readonly loss: number; readonly accuracy: number | null },
): RunPosition {
  const { partial } = position;
  return {
    ...position,
    steps,
    partial: {
      batches: partial.batches + 1,
      loss: partial.loss + loss,
      accuracy: partial.accuracy + (accuracy ?? 0),
    },
  };
}

export const afterEpoch = (position: RunPosition, record: EpochRecord, isBest: boolean): RunPosition => ({
  ...position,
  history: [...position.history, record],
  best: isBest && record.metric !== null ? { epoch: record.epoch, metric: record.metric } : position.best,
  partial: noBatches,
});

/** Compared with the highest metric so far, not with the best epoch's, so that small losses don't add up.
 *  @param noise  differences of the metric up to this say nothing; between such epochs the loss decides */
export function isBetter(
  { metric, loss }: EpochRecord,
  { best, history }: RunPosition,
  noise: number,
): boolean {
  if (metric === null || Number.isNaN(metric)) return false;
  if (!best) return true;
  const highest = Math.max(...history.map((e) => e.metric ?? Number.NaN).filter((m) => !Number.isNaN(m)));
  if (metric > highest + noise) return true;
  return metric >= highest - noise && loss < (history[best.epoch - 1]?.loss ?? Number.POSITIVE_INFINITY);
}
