/** Work that goes on side by side, and work that has to be alone: times are taken with nothing else going on. */
export interface Turns {
  /** Beside other work of its kind. */
  together<T>(work: () => Promise<T>): Promise<T>;
  /** Waits until nothing else goes on, and keeps everything else waiting. */
  alone<T>(work: () => Promise<T>): Promise<T>;
}

/** First come, first served: what is to be alone is not passed by what comes after it. */
export function createTurns(): Turns {
  const waiting: { readonly isAlone: boolean; readonly go: () => void }[] = [];
  let running = 0;
  let isTaken = false;
  const admit = () => {
    for (;;) {
      const [next] = waiting;
      if (!next || isTaken || (next.isAlone && running > 0)) return;
      waiting.shift();
      running++;
      isTaken = next.isAlone;
      next.go();
    }
  };
  const inTurn = async <T>(isAlone: boolean, work: () => Promise<T>): Promise<T> => {
    await new Promise<void>((go) => {
      waiting.push({ isAlone, go });
      admit();
    });
    try {
      return await work();
    } finally {
      running--;
      if (isAlone) isTaken = false;
      admit();
    }
  };
  return { together: (work) => inTurn(false, work), alone: (work) => inTurn(true, work) };
}
