import { describe, expect, it } from 'vitest';
import { createNameScope, freshName, releaseName } from '../../../src/model/ir/names.ts';

describe('fresh names', () => {
  it('takes the lowest number that is free, one that was given back included', () => {
    const scope = createNameScope();
    const made = Array.from({ length: 4 }, () => freshName(scope, 'a'));
    expect(made).toEqual(['a', 'a_1', 'a_2', 'a_3']);
    releaseName(scope, 'a_1');
    expect([freshName(scope, 'a'), freshName(scope, 'a')]).toEqual(['a_1', 'a_4']);
  });

  it('looks at each name once when ten thousand nodes have none', () => {
    const scope = createNameScope();
    let looks = 0;
    const { taken } = scope;
    const counting = { ...scope, taken: Object.assign(new Set<string>(), { add: taken.add.bind(taken) }) };
    counting.taken.has = (name) => {
      looks++;
      return taken.has(name);
    };
    for (let i = 0; i < 10_000; i++) freshName(counting, '');
    expect(taken.size).toBe(10_000);
    expect(looks).toBe(10_000);
  });
});
