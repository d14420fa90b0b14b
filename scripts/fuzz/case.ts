/** What the fuzzer and the process that runs its cases say to each other. */
export interface Case {
  readonly target: string;
  readonly bytes: Uint8Array;
}

export type Outcome = { readonly kind: 'fine' } | { readonly kind: 'failed'; readonly what: string };

/** Ends a process that has computed one case for too long: the signal of a timer that counts the processor's time. */
export const tookTooLong = 'SIGVTALRM';
