/** Checkpoints of a training run on disk: one safetensors file, replaced all or nothing. */
import { mkdir, open, readFile, rename, rm, rmdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { decodeSafetensors, encodeSafetensors } from '../../model/formats/safetensors.ts';
import { checkpointUnreadable } from '../../support/diagnostics/training.ts';
import { messageOf } from '../../support/diagnostics.ts';
import type { Checkpoint, CheckpointStore, RunPosition } from './position.ts';

const count = z.int().min(0);
const number = z.number().nullable();

const positionSchema = z.object({
  run: z.string(),
  steps: count,
  history: z.array(
    z.object({ epoch: count, loss: z.number(), accuracy: number, learningRate: z.number(), metric: number }),
  ),
  best: z.object({ epoch: count, metric: z.number() }).nullable(),
  partial: z.object({ batches: count, loss: z.number(), accuracy: z.number() }),
});

/** @returns null for anything else than JSON */
function parsed(text: string | undefined): unknown {
  try {
    return JSON.parse(text ?? 'null');
  } catch {
    return null;
  }
}

/** Saves training in a folder, so that a run that was stopped goes on.
 *  @param every  batches between two saves
 *  `load` throws CHECKPOINT_UNREADABLE for a file that is broken, or was never a checkpoint.
 *  @example
 *  const checkpoints = fileCheckpoints('run/', 100); */
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
      try {
        const { tensors, metadata } = decodeSafetensors(bytes);
        const position: RunPosition = positionSchema.parse(parsed(metadata['position']));
        return { position, tensors };
      } catch (cause) {
        const isForeign = cause instanceof z.ZodError;
        throw checkpointUnreadable(path, isForeign ? 'it holds no training run' : messageOf(cause), cause);
      }
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
    async remove() {
      await rm(folder, { recursive: true, force: true });
      // The folder of all runs goes with the last of them.
      await rmdir(dirname(folder)).catch(() => undefined);
    },
  };
}
