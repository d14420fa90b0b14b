/** Models that read token ids: language models, the decoders of encoder–decoders, encoders. */
import { knownTokens } from '../../../data/text/text-model.ts';
import { type Answer, type Clues, described, rankOf, widthOf } from '../clues.ts';
import type { Found } from '../task.ts';

const readsEncoder = /^(encoder_hidden_states?|encoder_outputs?|memory|decoder_input_ids)$/;
const cacheInput = /^past(_key_values?)?[._]/;
const namesLogits = /logits|scores/i;
const namesStates = /hidden|embed|encoder|token|feature/i;
const namesPooled = /sentence|pool|embed|feature|vector/i;

/** Scores of a vocabulary at every place: rank 3, called so or as wide as the table that the ids are looked up in. */
function vocabularyScores({ tokens, answers, model }: Clues): { answer: Answer; rows: number | null } | null {
  if (!tokens) return null;
  const places = answers.filter((a) => a.isFloat && (rankOf(a) === 3 || rankOf(a) === null));
  const rows = knownTokens(model, tokens.name);
  const named = places.find((a) => namesLogits.test(a.name));
  const wide = places.find((a) => widthOf(a) !== null && widthOf(a) === rows && !namesStates.test(a.name));
  const answer = named ?? wide;
  return answer ? { answer, rows } : null;
}

const readsFromEncoder = ({ inputs }: Clues) => inputs.find(({ name }) => readsEncoder.test(name));

const found = (answer: Answer, role: Found['outputs'][number]['role'], evidence: string): Found => ({
  evidence,
  outputs: [{ name: answer.name, role }],
});

export function encoderDecoder(clues: Clues): Found | null {
  const from = readsFromEncoder(clues);
  const scores = vocabularyScores(clues);
  if (!from || !scores) return null;
  return found(scores.answer, 'logits', `${described(scores.answer)} behind "${from.name}"`);
}

export function languageModel(clues: Clues): Found | null {
  const scores = vocabularyScores(clues);
  if (!scores || readsFromEncoder(clues)) return null;
  const { answer, rows } = scores;
  const width = widthOf(answer);
  const hasCache = clues.inputs.some(({ name }) => cacheInput.test(name));
  // Fewer classes than tokens: each token gets one of them.
  if (!hasCache && rows !== null && width !== null && width < 0.9 * rows) return null;
  const words = rows === null ? '' : `, a vocabulary of ${rows}`;
  return found(answer, 'logits', `${described(answer)} at every token${words}`);
}

/** A class for each token, such as what kind of name it is a part of. */
export function tokenClasses(clues: Clues): Found | null {
  const scores = vocabularyScores(clues);
  if (!scores || readsFromEncoder(clues)) return null;
  return found(scores.answer, 'scores', `${described(scores.answer)}, a class for each token`);
}

/** The vector of a whole text, or of each token, of which a mean is meant. */
export function textEmbedding({ tokens, answers }: Clues): Found | null {
  if (!tokens) return null;
  const floats = answers.filter((a) => a.isFloat);
  const whole = floats.find((a) => rankOf(a) === 2 && namesPooled.test(a.name) && !namesLogits.test(a.name));
  if (whole) return found(whole, 'embedding', described(whole));
  const each = floats.filter((a) => rankOf(a) === 3 && !namesLogits.test(a.name));
  const only = each.find((a) => namesStates.test(a.name)) ?? (each.length === 1 ? each[0] : undefined);
  return only
    ? found(only, 'tokens', `${described(only)}, a vector for each token, of which the mean is taken`)
    : null;
}
