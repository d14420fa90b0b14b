/** Where time goes between named moments. */

interface Step {
  readonly step: string;
  readonly seconds: number;
  readonly processorSeconds: number;
}

export interface Timeline {
  /** Since the one before, or since this was made. */
  (step: string): void;
  readonly steps: readonly Step[];
}

export function createTimeline(): Timeline {
  const steps: Step[] = [];
  let [wall, spent] = [performance.now(), process.cpuUsage()];
  const at = (step: string) => {
    const { user, system } = process.cpuUsage(spent);
    steps.push({
      step,
      seconds: (performance.now() - wall) / 1000,
      processorSeconds: (user + system) / 1e6,
    });
    [wall, spent] = [performance.now(), process.cpuUsage()];
  };
  return Object.assign(at, { steps });
}
