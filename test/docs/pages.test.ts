/** The project's own pages: what they link to is there, and the README shows what a newcomer needs. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, sep } from 'node:path';
import { describe, expect, it } from 'vitest';
import { stalePages } from '../../scripts/build-api.ts';

const skipped = /(^|\/)(node_modules|dist|\.\w+)(\/|$)/;
const pages = readdirSync('.', { recursive: true, encoding: 'utf8' })
  .map((file) => file.split(sep).join('/'))
  // Results are shown on bench/RESULTS.md, from where their links go.
  .filter((file) => file.endsWith('.md') && !skipped.test(file) && !file.startsWith('bench/results/'));

const read = (page: string) => readFileSync(page, 'utf8');
const withoutCode = (text: string) => text.replace(/```.*?```/gs, '').replace(/`[^`\n]*`/g, '');

/** The anchor that GitHub gives a heading. */
const anchors = (text: string) =>
  [...text.matchAll(/^#+ (.*)$/gm)].map(([, heading]) =>
    heading!
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\- _]/gu, '')
      .replaceAll(' ', '-'),
  );

function brokenLinks(page: string): string[] {
  const links = [...withoutCode(read(page)).matchAll(/\]\(([^)\s]+)\)/g)].map(([, link]) => link!);
  return links.filter((link) => {
    if (/^[a-z]+:/.test(link)) return false;
    const [path, anchor] = link.split('#');
    const file = path ? join(dirname(page), path) : page;
    if (!existsSync(file)) return true;
    return (
      Boolean(anchor) &&
      file.endsWith('.md') &&
      !page.startsWith('docs/api/') &&
      !anchors(read(file)).includes(anchor!)
    );
  });
}

describe('the pages of the project', () => {
  it.each(pages)('%s links to what is there', (page) => {
    expect(brokenLinks(page)).toEqual([]);
  });

  it('show in the README the command to try it and the command that tests it', () => {
    const readme = read('README.md');
    expect(readme).toContain(
      '\nnpm ci && npx compress fixtures/models/glyphs-cnn.onnx --int8 --data fixtures/data/glyphs\n',
    );
    expect(readme).toContain('\nnpm ci && npm test\n');
  });

  it('describe the API as it is (npm run docs writes it)', () => {
    expect(stalePages()).toEqual([]);
  });
});
