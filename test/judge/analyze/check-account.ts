import { expect } from 'vitest';
import type { ByteAccount } from '../../../src/judge/analyze/byte-account.ts';
import { accountSchema } from '../../../src/judge/report/account.ts';
import { countConstants } from './constant-bytes.ts';

/** The rows add up to what onnx-proto counts in the file, no constant is missing or there twice, and nothing is in float
 *  without a word. */
export function checkAccount(account: ByteAccount, file: Uint8Array, name = ''): void {
  const { rows } = account;
  const sum = (of: (row: (typeof rows)[number]) => number) => rows.reduce((n, row) => n + of(row), 0);
  const found = { constants: sum((row) => row.constants), bytes: sum((row) => row.bytes) };
  expect(found, name).toEqual(countConstants(file));
  expect(account.bytes, name).toBe(found.bytes);
  expect(
    rows.filter((row) => row.form === 'float' && !row.reason),
    name,
  ).toEqual([]);
  expect(accountSchema.parse(account), name).toEqual(account);
}
