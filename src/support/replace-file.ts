/** Files that are replaced whole: whoever reads sees the old one or the new one, never half of one. */
import { renameSync, rmSync, writeFileSync } from 'node:fs';

/** @throws what writing and renaming throw; nothing is left of the new one then */
export function replaceFile(file: string, content: string | Uint8Array): void {
  const temporary = `${file}.${process.pid}.tmp`;
  try {
    writeFileSync(temporary, content);
    renameSync(temporary, file);
  } catch (cause) {
    rmSync(temporary, { force: true });
    throw cause;
  }
}
