/** What the numbers of a report were measured on. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { arch, availableParallelism, cpus, release, totalmem, type } from 'node:os';
import { dirname, join } from 'node:path';

export interface Machine {
  /** "Linux 6.1.0 x64" */
  readonly os: string;
  readonly cpu: string;
  /** Cores that this process may use. */
  readonly cores: number;
  readonly memoryBytes: number;
  /** "20.19.1" */
  readonly node: string;
  /** Installed versions: { "onnxruntime-node": "1.30.0", … }; packages that are absent are left out. */
  readonly runtimes: Record<string, string>;
}

export function describeMachine(): Machine {
  const packages = ['onnxruntime-node', 'onnxruntime-web'];
  return {
    os: `${type()} ${release()} ${arch()}`,
    cpu: cpus()[0]?.model.trim() || 'unknown',
    cores: availableParallelism(),
    memoryBytes: totalmem(),
    node: process.versions.node,
    runtimes: Object.fromEntries(
      packages.flatMap((name) => {
        const version = installedVersion(name);
        return version ? [[name, version]] : [];
      }),
    ),
  };
}

/** Version from the package's own package.json, without loading the package. */
export function installedVersion(name: string): string | undefined {
  const folder = packageFolder(name);
  if (!folder) return undefined;
  const { version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { version: string };
  return version;
}

/** Folder of an installed package; its main file is in it, as package.json itself may not be exported. */
export function packageFolder(name: string): string | undefined {
  const require = createRequire(import.meta.url);
  for (const base of require.resolve.paths(name) ?? []) {
    const file = join(base, name, 'package.json');
    try {
      readFileSync(file);
      return dirname(file);
    } catch {
      // Not in this node_modules; the next one up may have it.
    }
  }
  return undefined;
}
