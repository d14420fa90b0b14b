/** Checkpoints of a training run on disk: one safetensors file, replaced all or nothing. */
import { mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { decodeSafetensors, encodeSafetensors } from '../formats/safetensors.ts';
import type { Checkpoint, CheckpointStore, RunPosition } from '../train/loop.ts';

/** @param every  steps between two saves */
export function fileCheckpoints(
  folder: string,
  every: number,
): CheckpointStore & { remove(): Promise<void> } {
  const path = join(folder, 'checkpoint.safetensors');
  return {
    every,
    async load(): Promise<Checkpoint | null> {
      const bytes = await readFile(path).catch((error: NodeJS.ErrnoException) => {
        if (error.code === 'ENOENT') return null;
        throw error;
      });
      if (!bytes) return null;
      const { tensors, metadata } = decodeSafetensors(bytes);
      return { position: JSON.parse(metadata['position'] ?? 'null') as RunPosition, tensors };
    },
    async save({ position, tensors }) {
      await mkdir(folder, { recursive: true });
      const temporary = `${path}.${process.pid}.tmp`;
      const file = await open(temporary, 'w');
      try {
        await file.writeFile(encodeSafetensors(tensors, { position: JSON.stringify(position) }));
        // Without it a power cut after the rename can leave an empty file under the good name.
        await file.sync();
      } finally {
        await file.close();
      }
      await rename(temporary, path);
    },
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}
