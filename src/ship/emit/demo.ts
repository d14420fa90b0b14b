/** The demo page of a bundle: loads it with edgepress-runtime, takes a picture or made-up numbers, shows what comes
 *  out and what was chosen for the device. Needs a web server and nothing else: everything it loads lies beside it. */
import type { BundleEntry } from './bundle.ts';
import { demoScript } from './demo-script.ts';
import type { Manifest } from './manifest.ts';

interface DemoParts {
  /** edgepress-runtime as modules for pages, `index.js` among them. */
  readonly runtime: readonly NamedFile[];
  /** Scripts and wasm files of onnxruntime-web that the bundle's variants need. */
  readonly ort: readonly NamedFile[];
  /** TensorFlow.js and LiteRT.js, where a variant is for them. */
  readonly tfjs?: readonly NamedFile[];
  readonly litert?: readonly NamedFile[];
}

export interface NamedFile {
  readonly name: string;
  readonly bytes: Uint8Array;
}

export function demoFiles(manifest: Manifest, parts: DemoParts): BundleEntry[] {
  const text = (path: string, content: string) => ({ path, bytes: new TextEncoder().encode(content) });
  return [
    text('demo/index.html', demoPage(manifest)),
    text('demo/demo.js', demoScript),
    ...Object.entries(parts).flatMap(([folder, files]: [string, readonly NamedFile[]]) =>
      files.map(({ name, bytes }) => ({ path: `demo/${folder}/${name}`, bytes })),
    ),
  ];
}

const markup: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };
const escaped = (text: string) => text.replace(/[&<>"]/g, (c) => markup[c]!);

const demoPage = (manifest: Manifest) => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escaped(manifest.name)}</title>
<link rel="icon" href="data:,">
<style>
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { max-width: 40rem; margin: 0 auto; padding: 1rem; }
h1 { font-size: 1.4rem; overflow-wrap: anywhere; }
h2 { font-size: 1rem; margin: 1.5rem 0 .25rem; }
progress { width: 100%; }
table { border-collapse: collapse; width: 100%; }
th { text-align: left; font-weight: normal; opacity: .7; padding: .1rem 1rem .1rem 0; vertical-align: top; white-space: nowrap; }
td { overflow-wrap: anywhere; font-variant-numeric: tabular-nums; }
canvas { max-width: 100%; display: block; margin: .5rem 0; }
canvas[hidden], label[hidden] { display: none; }
button, input { font: inherit; min-height: 2.75rem; }
#classes td { font-weight: 600; }
</style>
</head>
<body>
<h1>${escaped(manifest.name)}</h1>
<p id="status" role="status">Loading …</p>
<progress id="bar" value="0" aria-label="download"></progress>
<p><label id="picture" hidden>A picture: <input id="file" type="file" accept="image/*"></label></p>
<p><button id="made-up" disabled>Run on made-up numbers</button></p>
<canvas id="preview" hidden></canvas>
<table id="classes"></table>
<p id="unnamed"></p>
<h2>Outputs</h2>
<table id="outputs"></table>
<h2>On this device</h2>
<table id="info"></table>
<script type="module" src="demo.js"></script>
</body>
</html>
`;
