import { describe, expect, it } from 'vitest';
import { type BleuOptions, corpusBleu, createBleuMeter } from '../../../src/judge/evaluate/bleu.ts';
import { tokenizeForBleu } from '../../../src/judge/evaluate/bleu-tokenize.ts';

// Expected numbers: sacreBLEU 2.6.0 in Python 3, sacrebleu.metrics.BLEU(tokenize=…, smooth_method=…,
// lowercase=…, effective_order=…).corpus_score(hypotheses, [references, …]) and .get_signature().format().
const hypotheses = [
  'The cat sat on the mat.',
  'It\'s a "quick" brown fox, isn\'t it?',
  'In 1999-2000 prices rose 3.5%, to $1,234.56 (net).',
  'Ein kleines Mädchen spielt im Park.',
  '&quot;Yes&quot; &amp; &lt;no&gt; &amp;lt;',
  '',
  'naïve café — 10,5 €; ２３，４ end-\nline',
  ' trailing space \u00a0 and\u3000wide  ',
];
const references = [
  'The cat is on the mat.',
  'It is a "quick" brown fox, isn\'t it?',
  'In 1999-2000, prices rose by 3.5% to $1,234.56 net.',
  'Ein kleines Mädchen spielt in einem Park.',
  '"Yes" & <no> <',
  'Nothing.',
  'naïve cafe — 10,5 €; ２３，４ endline',
  'trailing space and wide',
];
const others = [
  'A cat sat on the mat .',
  "It's a quick brown fox.",
  'Prices rose 3.5% in 1999-2000.',
  'Ein Mädchen spielt im Park.',
  'Yes & no',
  '',
  'a naïve café - 10.5 €',
  'the trailing space and the wide one',
];

type Row = [BleuOptions, number, number[], number, number, number, string];
const corpora: Row[] = [
  [
    { tokenizer: '13a' },
    61.80976029763078,
    [90.1639344262295, 72.22222222222223, 57.4468085106383, 47.5],
    0.952009440385274,
    61,
    64,
    'nrefs:1|case:mixed|eff:no|tok:13a|smooth:exp|version:2.6.0',
  ],
  [
    { tokenizer: 'none' },
    41.20094469025656,
    [69.76744186046511, 52.77777777777778, 37.93103448275862, 27.272727272727273],
    0.932610680893436,
    43,
    46,
    'nrefs:1|case:mixed|eff:no|tok:none|smooth:exp|version:2.6.0',
  ],
  [
    { tokenizer: 'char' },
    70.44378106887827,
    [81.06796116504854, 73.36683417085428, 67.1875, 61.62162162162162],
    1,
    206,
    190,
    'nrefs:1|case:mixed|eff:no|tok:char|smooth:exp|version:2.6.0',
  ],
  [
    { tokenizer: 'intl' },
    37.717873350232104,
    [63.29113924050633, 43.05555555555556, 30.76923076923077, 24.137931034482758],
    1,
    79,
    64,
    'nrefs:1|case:mixed|eff:no|tok:intl|smooth:exp|version:2.6.0',
  ],
  [
    { lowercase: true },
    61.80976029763078,
    [90.1639344262295, 72.22222222222223, 57.4468085106383, 47.5],
    0.952009440385274,
    61,
    64,
    'nrefs:1|case:lc|eff:no|tok:13a|smooth:exp|version:2.6.0',
  ],
];

describe('corpus BLEU', () => {
  it.each(corpora)(
    'is that of sacreBLEU with %o',
    (options, score, precisions, bp, own, wanted, signature) => {
      const result = corpusBleu(hypotheses, references, options);
      // 9 digits: the same doubles, summed in another order.
      expect(result.score).toBeCloseTo(score, 9);
      for (const [i, p] of precisions.entries()) expect(result.precisions[i]).toBeCloseTo(p, 9);
      expect(result.brevityPenalty).toBeCloseTo(bp, 12);
      expect([result.hypothesisLength, result.referenceLength]).toEqual([own, wanted]);
      expect(result.signature).toBe(signature);
    },
  );

  it('takes the best of several references for n-grams, the closest for the length', () => {
    const pairs = references.map((r, i) => [r, others[i]!]);
    const result = corpusBleu(hypotheses, pairs);
    expect(result.score).toBeCloseTo(75.94383840772944, 9);
    expect([result.hypothesisLength, result.referenceLength]).toEqual([61, 60]);
    expect(result.signature).toBe('nrefs:2|case:mixed|eff:no|tok:13a|smooth:exp|version:2.6.0');
  });

  it.each([
    ['exp', 19.3576934939088, 'exp'],
    ['floor', 10.29499418829739, 'floor[0.10]'],
    ['add-k', 30.789214024300126, 'add-k[1.00]'],
    ['none', 0, 'none'],
  ] as const)('smooths orders without a match by %s', (smoothing, score, name) => {
    const result = corpusBleu(['a b c d x'], ['a b e d f g'], { smoothing });
    expect(result.score).toBeCloseTo(score, 9);
    expect(result.signature).toContain(`smooth:${name}|`);
  });

  it('is 0 for a text shorter than four words, unless orders that it lacks are left out', () => {
    expect(corpusBleu(['hello world'], ['hello there world']).score).toBe(0);
    const { score } = corpusBleu(['hello world'], ['hello there world'], { effectiveOrder: true });
    expect(score).toBeCloseTo(42.88819424803536, 9);
  });

  it('is 0 where no word is right, and nothing before the first segment', () => {
    expect(corpusBleu(['x y z w'], ['a b c d'])).toMatchObject({ score: 0, precisions: [0, 0, 0, 0] });
    expect(createBleuMeter().result()).toMatchObject({ score: null, segments: 0 });
  });

  it('refuses a hypothesis without reference', () => {
    const refused = expect.objectContaining({ code: 'BLEU_COUNTS' });
    expect(() => corpusBleu(['a', 'b'], ['a'])).toThrow(refused);
    expect(() => corpusBleu(['a'], [[]])).toThrow(refused);
  });
});

describe('tokenising for BLEU', () => {
  // sacrebleu.metrics.BLEU(tokenize=…).tokenizer(line.rstrip()).
  it('parts punctuation, but not inside numbers, by 13a', () => {
    expect(hypotheses.slice(0, 5).map((h) => tokenizeForBleu(h, '13a').join(' '))).toEqual([
      'The cat sat on the mat .',
      'It\'s a " quick " brown fox , isn\'t it ?',
      'In 1999 - 2000 prices rose 3.5 % , to $ 1,234.56 ( net ) .',
      'Ein kleines Mädchen spielt im Park .',
      '" Yes " & < no > <',
    ]);
  });

  it('knows the punctuation of other scripts by intl', () => {
    expect(tokenizeForBleu(hypotheses[6]!, 'intl').join(' ')).toBe(
      'naïve café — 10,5 € ; ２３，４ end - line',
    );
  });
});
