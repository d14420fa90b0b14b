/** The smallest file that loses a point at most, as nothing else was asked for. */
import type { Goal } from '../../../src/jobs/auto/goal.ts';

export const goal: Goal = {
  minimise: 'size',
  maxDrop: 1,
  maxSizeBytes: null,
  maxLatencyMs: null,
  maxLatencyShare: null,
};
