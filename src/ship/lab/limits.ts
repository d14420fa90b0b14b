/** How much a device may send. */
export const messageLimits = { bodyBytes: 64_000, runs: 64, samples: 200, turnSamples: 4000 } as const;
