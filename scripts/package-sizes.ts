/** Prints what the packages weigh, packed and installed, each in an empty folder of its own, with optional dependencies and without
 *  their install scripts; bytes of files, not blocks of the disk:
 *    npm run build && npx tsx scripts/package-sizes.ts */
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { formatBytes } from '../src/support/units.ts';
import { folderBytes, installConsumer, packBoth } from './packages/consumer.ts';

const folder = mkdtempSync(join(tmpdir(), 'edgepress-sizes-'));
try {
  const tarballs = packBoth(folder);
  console.log('| installed | tarball | the package itself | with all that it needs | of which |');
  console.log('| --- | --- | --- | --- | --- |');
  row('edgepress', ['onnxruntime-node', 'onnxruntime-web']);
  row('edgepress-runtime', ['onnxruntime-web']);

  function row(name: keyof typeof tarballs, large: readonly string[]): void {
    const place = join(folder, name);
    installConsumer(place, { [name]: tarballs[name] });
    const size = (of: string) => formatBytes(folderBytes(join(place, 'node_modules', of)));
    const parts = large.map((of) => `${of} ${size(of)}`).join(', ');
    const packed = formatBytes(statSync(tarballs[name]).size);
    console.log(`| ${name} | ${packed} | ${size(name)} | ${size('')} | ${parts} |`);
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
