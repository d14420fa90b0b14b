/** The report's files: HTML, Markdown and JSON, by the endings of the given paths. */
import { renderHtml } from './html.ts';
import { renderMarkdown } from './markdown.ts';
import type { Report } from './report.ts';

export const reportFiles = (
  report: Report,
  paths: readonly string[],
): Promise<{ path: string; content: string }[]> =>
  Promise.all(
    paths.map(async (path) => {
      if (path.endsWith('.html')) return { path, content: await renderHtml(report) };
      if (path.endsWith('.md')) return { path, content: renderMarkdown(report) };
      return { path, content: `${JSON.stringify(report, null, 1)}\n` };
    }),
  );
