/** What the fuzzer and the process that runs its cases say to each other. */
export interface Case {
  readonly target: string;
  readonly bytes: Uint8Array;
}

export type Outcome = { readonly kind: 'fine' } | { readonly kind: 'failed'; readonly what: string };
