/** Texts without what they say of the machine that they were written on: absolute paths and lines of stack traces. */

/** Folders at which absolute paths of the usual systems begin. A name such as "/encoder/layers.0/MatMul" is no path. */
const roots =
  'home|Users|root|tmp|usr|opt|var|mnt|media|private|workspaces?|content|kaggle|srv|scratch|Volumes|nfs|data|app|builds?|github|gpfs|lustre';

/** From the root to the last separator. URLs, relative paths and base64 are none: something stands before their slash. */
const folders = new RegExp(
  String.raw`(?<![\w.:/+=~-])(?:file://)?(?:/(?:${roots})/|[A-Za-z]:(?:\\|/)|\\\\\w)(?:[^\s"'<>|:*?,;()[\]{}]*[\\/])?`,
  'g',
);

/** A line of a Python stack trace as exporters write it: `conv.py(456): forward`, `File "net.py", line 3, in forward`,
 *  `# net.py:12 in forward`. */
const frame = /^\s*(?:File ".*", line \d+|\S.*\.(?:pyx?|ipynb)\(\d+\)|# \S.*\.(?:pyx?|ipynb):\d+)/;
/** Such a line that the quoted source follows. */
const quoting = /^\s*File ".*", line \d+/;

/** Paths are cut to their last part, lines of stack traces go with the source that they quote. */
export function withoutLocalPaths(text: string): string {
  const lines = text.split('\n');
  const isTrace = (line: string, i: number) =>
    frame.test(line) || (i > 0 && quoting.test(lines[i - 1]!) && /^\s/.test(line));
  const kept = lines.filter((line, i) => !isTrace(line, i));
  const rest = kept.length === lines.length ? text : kept.join('\n').trim();
  return rest.replace(folders, '');
}
