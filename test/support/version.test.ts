import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { version } from '../../src/support/version.ts';

it('calls itself what package.json calls it', () => {
  const { version: published } = JSON.parse(
    readFileSync(new URL('../../package.json', import.meta.url), 'utf8'),
  );
  expect(version).toBe(published);
});
