/** Files of bench/results/, of which the page of all sections is made. */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { describeMachine } from '../src/ship/profile/machine.ts';

const folder = fileURLToPath(new URL('results', import.meta.url));

export const resultFile = (name: string) => path.join(folder, `${name}.md`);

function machineLine(): string {
  const { os, cpu, cores, node, runtimes } = describeMachine();
  const versions = Object.entries(runtimes).map(([name, version]) => `${name} ${version}`);
  return [`${cores} cores of ${cpu}`, os, `Node ${node}`, ...versions].join(', ');
}

/** Tables in Markdown stay tables; other output is shown as it was printed. */
const asMarkdown = (output: string) => (/^\|.*\|$/m.test(output) ? output : `\`\`\`\n${output}\n\`\`\``);

/** @param commandLine  that printed the output */
export function writeResult(name: string, commandLine: string, output: string): void {
  const date = new Date().toISOString().slice(0, 10);
  const head = `\`${commandLine}\`  \n${machineLine()}; ${date}`;
  writeFileSync(resultFile(name), `${head}\n\n${asMarkdown(output)}\n`);
}
