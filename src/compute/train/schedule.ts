/** Learning-rate schedules: a factor on the base rate, by the share of the run that is done. */
export type ScheduleSpec =
  | { readonly kind: 'constant'; readonly warmup?: number }
  /** Down to `end` (a fraction of the base rate, 0 by default) along half a cosine. */
  | { readonly kind: 'cosine'; readonly warmup?: number; readonly end?: number }
  | { readonly kind: 'linear'; readonly warmup?: number; readonly end?: number }
  /** Times `factor` at each share of the run in `at`. */
  | {
      readonly kind: 'step';
      readonly warmup?: number;
      readonly at: readonly number[];
      readonly factor?: number;
    };

/** Factor for step `step` (0 first) of `total`. `warmup` is a share of the run in which the rate rises linearly. */
export function rateFactor(spec: ScheduleSpec, step: number, total: number): number {
  const warm = Math.round((spec.warmup ?? 0) * total);
  if (step < warm) return (step + 1) / warm;
  const done = total > warm ? (step - warm) / (total - warm) : 1;
  switch (spec.kind) {
    case 'constant':
      return 1;
    case 'cosine': {
      const end = spec.end ?? 0;
      return end + (1 - end) * 0.5 * (1 + Math.cos(Math.PI * done));
    }
    case 'linear':
      return 1 + ((spec.end ?? 0) - 1) * done;
    case 'step':
      return (spec.factor ?? 0.1) ** spec.at.filter((share) => step >= share * total).length;
  }
}
