/** How well two models predict each token of the same running text from those before it. */
import { float32Values, numbers, type Tensor } from '../../model/ir/tensor.ts';
import { createPerplexityMeter } from './perplexity.ts';

type Tensors = Readonly<Record<string, Tensor>>;

/** Names of what holds token ids, of what says which of them are text (null: all), and of the scores of the next token. */
export interface RunningTextPorts {
  readonly tokens: string;
  readonly mask: string | null;
  readonly logits: string;
}

export interface RunningTextMeter {
  /** Outputs of one run of each model on the same stretch of text, [1, tokens] and logits [1, tokens, vocabulary].
   *  @throws LABEL_RANGE */
  add(before: Tensors, after: Tensors, inputs: Tensors): void;
  /** null where no token was predicted, as where logits are there of the last one alone; and where the first model does no better on
   *  this text than one that takes all tokens for equally likely: what knows less then would look better. */
  result(): { readonly tokens: number; readonly before: number; readonly after: number } | null;
}

export function createRunningTextMeter({ tokens, mask, logits }: RunningTextPorts): RunningTextMeter {
  const [one, other] = [createPerplexityMeter(), createPerplexityMeter()];
  let vocabulary = 0;
  return {
    add(before, after, inputs) {
      const ids = inputs[tokens];
      const scored = before[logits]?.dims;
      if (!ids || scored?.at(-2) !== ids.dims.at(-1)) return;
      vocabulary = scored!.at(-1)!;
      const targets = targetsOf(numbers(ids), mask === null ? undefined : inputs[mask]);
      for (const [meter, outputs] of [
        [one, before],
        [other, after],
      ] as const) {
        const scores = outputs[logits]!;
        meter.add(float32Values(scores), scores.dims.at(-1)!, targets);
      }
    },
    result() {
      const [a, b] = [one.result(), other.result()];
      return a.perplexity === null || b.perplexity === null || a.perplexity >= vocabulary
        ? null
        : { tokens: a.tokens, before: a.perplexity, after: b.perplexity };
    },
  };
}

/** The token after each; −100 where none counts: at the end, and in what is filled up. */
function targetsOf(ids: readonly number[], mask: Tensor | undefined): number[] {
  const isText = mask ? numbers(mask).map((m) => m !== 0) : withoutFilling(ids);
  return ids.map((_, t) => (isText[t] && isText[t + 1] ? ids[t + 1]! : -100));
}

/** Without a mask, a token that is repeated up to the end fills up. */
function withoutFilling(ids: readonly number[]): boolean[] {
  let end = ids.length;
  while (end > 1 && ids[end - 1] === ids[end - 2]) end--;
  return ids.map((_, t) => t < end);
}
