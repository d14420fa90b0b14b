/** Writes a bundle's folder all or not at all: made beside its place under a hidden name, moved when complete.
 *  A folder that edgepress did not make is never written over unasked; one that it made is replaced as a whole. */
import fs from 'node:fs';
import path from 'node:path';
import { bundleInvalid, outputHoldsInput } from '../../support/diagnostics/bundle.ts';
import { outputExists, outputFolderMissing, outputUnwritable } from '../../support/diagnostics/files.ts';
import { asideIn, makeHiddenFolder, removeHiddenFolder } from '../../support/hidden-folder.ts';
import { manifestName } from './bundle.ts';
import { failureReason } from './write.ts';

/** What a bundle is made of; another file among them is somebody's own. */
const ownPaths = [
  /^(edgepress|config|profile|lab-results)\.json$/,
  /^index\.d\.ts$/,
  /^onnx\/[^/]+\.(onnx|ort|config)(_data)?(\.part\d+of\d+)?(\.br)?$/,
  /^(tfjs|litert)[^/]*\/[^/]+\.(json|bin|tflite)(\.part\d+of\d+)?(\.br)?$/,
  /^headers\/(_headers|nginx\.conf|vercel\.json)$/,
  /^demo\//,
  /^report\.(html|md|json)$/,
];

/** Before any work: whether the bundle could be written.
 *  @param keep  files and folders that must survive: the model, its data, the folder one stands in
 *  @throws OUTPUT_HOLDS_INPUT, whatever `force`; OUTPUT_EXISTS for a file, or a folder that is not ours;
 *    FOLDER_NOT_FOUND when a file stands where a parent folder must be; OUTPUT_UNWRITABLE */
export function checkBundleFolder(output: string, keep: readonly string[], force: boolean): void {
  const there = nearestExisting(path.dirname(path.resolve(output)));
  if (!fs.statSync(there).isDirectory()) throw outputFolderMissing(output, there);
  guarded(output, () => fs.accessSync(there, fs.constants.W_OK));
  const stat = fs.statSync(output, { throwIfNoEntry: false });
  if (!stat) return;
  if (!stat.isDirectory()) throw outputExists(output, 'a file');
  const real = fs.realpathSync(output);
  for (const kept of keep.filter((k) => fs.existsSync(k)))
    if (contains(real, fs.realpathSync(kept))) throw outputHoldsInput(output, kept);
  if (force) return;
  const foreign = foreignContent(real);
  if (foreign) throw outputExists(output, foreign);
}

/** The folder itself, or the closest one above it that is there. */
const nearestExisting = (folder: string): string =>
  fs.existsSync(folder) ? folder : nearestExisting(path.dirname(folder));

const contains = (folder: string, inner: string) => {
  const relative = path.relative(folder, inner);
  return (
    relative === '' ||
    !(relative === '..' || relative.startsWith(`..${path.sep}`) || path.isAbsolute(relative))
  );
};

/** Why a folder is not ours; null when it is empty or a bundle with nothing added. */
function foreignContent(folder: string): string | null {
  const names = fs
    .readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => !entry.isDirectory())
    .map((entry) => path.relative(folder, path.join(entry.parentPath, entry.name)).split(path.sep).join('/'));
  if (names.length === 0) return null;
  if (!names.includes(manifestName) || !isManifest(path.join(folder, manifestName)))
    return 'a folder that edgepress did not make';
  const added = names.find((name) => !ownPaths.some((own) => own.test(name)));
  return added === undefined ? null : `a bundle with ${added} in it, which edgepress did not put there`;
}

function isManifest(file: string): boolean {
  try {
    const json: unknown = JSON.parse(fs.readFileSync(file, 'utf8'));
    return /^edgepress\/bundle@/.test(String((json as { schema?: unknown } | null)?.schema));
  } catch {
    return false;
  }
}

interface BundleStage {
  write(path: string, bytes: Uint8Array): void;
  /** Puts the folder in its place; what was there is gone then. @throws OUTPUT_UNWRITABLE, with all as before */
  commit(): void;
  /** Removes what is left; harmless after commit. */
  discard(): void;
}

/** @throws OUTPUT_UNWRITABLE */
export function createBundleStage(output: string): BundleStage {
  // A link stays a link: what it points to is replaced.
  const target = fs.existsSync(output) ? fs.realpathSync(output) : path.resolve(output);
  const parent = path.dirname(target);
  // The first folder that mkdir had to make; removed again when no bundle comes of it.
  const added = guarded(output, () => fs.mkdirSync(parent, { recursive: true }));
  const outer = guarded(output, () => makeHiddenFolder(target));
  const made = path.join(outer, 'bundle');
  guarded(output, () => {
    // mkdtemp's folders are for their owner only; a server reads as somebody else.
    fs.mkdirSync(made);
  });
  const discard = () => {
    removeHiddenFolder(outer);
    if (added && !fs.existsSync(target)) fs.rmSync(added, { recursive: true, force: true });
  };
  // A second Ctrl-C ends the process without unwinding.
  process.once('exit', discard);
  return {
    write(name, bytes) {
      const file = path.join(made, ...name.split('/'));
      if (file === made || !contains(made, file)) throw bundleInvalid(`${name} leads out of the bundle`);
      guarded(file, () => {
        fs.mkdirSync(path.dirname(file), { recursive: true });
        fs.writeFileSync(file, bytes);
      });
    },
    commit() {
      const aside = asideIn(outer);
      guarded(output, () => {
        fs.mkdirSync(aside);
        if (fs.existsSync(target)) fs.renameSync(target, path.join(aside, path.basename(target)));
        try {
          fs.renameSync(made, target);
        } finally {
          // Where that failed, or this run ends before it, the older bundle goes back.
          discard();
        }
      });
    },
    discard() {
      process.off('exit', discard);
      discard();
    },
  };
}

function guarded<T>(file: string, work: () => T): T {
  try {
    return work();
  } catch (cause) {
    throw outputUnwritable(file, failureReason(cause), cause);
  }
}
